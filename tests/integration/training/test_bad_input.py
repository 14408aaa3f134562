"""What users get wrong: one line that says what, where and what to do, the right exit code, and no leftovers."""

import json
import logging
import os
import pickle
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from data_utils import load
from engine import Run, Trainer
from engine.checkpoint.file import load_checkpoint, save_checkpoint
from engine.evaluation.checkpoint import CheckpointEvaluation
from experiment.script import evaluate_command, train_command
from tests.doubles.bench import NETWORK, Bench, Outcome
from tests.doubles.scripts import EVALUATE, TRAIN, Ended, call
from tests.integration.training.test_trainer import fail_at, stop_at
from utils.errors import Interrupted

pytestmark = pytest.mark.timeout(120)

PLOTS = {"blobs": ("learning_curve",)}
FULL_DISK = {
    "GIT_DIR": "/nonexistent",  # so that environment.json is small, whatever is being worked on here
    "PYTHONDONTWRITEBYTECODE": "1",  # Python takes a .pyc cut short by the limit for a whole one, for ever after
}


@pytest.fixture(scope="module", autouse=True)
def quick_and_tidy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCRATCH_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        patch.setattr("os.fsync", lambda descriptor: None)
        yield
    torch.set_deterministic_debug_mode("default")


class Commands:
    """The dummy chapter's command lines, inside this process: real but for the start of Python."""

    def __init__(self, outputs: Path, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self.bench, self.outputs = Bench(NETWORK, outputs), outputs
        self._capsys, self._patch = capsys, patch
        self._schema = type(self.bench.config("blobs").model)

    def train(self, *arguments: object) -> Ended:
        """`train.py ARGUMENTS`."""

        def main(run: Run) -> Trainer:
            splits = load(run.config.data)
            trainer = Trainer(run)
            return trainer.prepare(self.bench.model(run.config, splits.n_features), splits)

        script = str(NETWORK / "src/train.py")
        return self._call(arguments, lambda: train_command(script, self._schema, PLOTS, main))

    def evaluate(self, *arguments: object) -> Ended:
        """`evaluate.py ARGUMENTS`."""

        def main(evaluation: CheckpointEvaluation) -> None:
            splits = load(evaluation.config.data)
            evaluation.run(self.bench.model(evaluation.config, splits.n_features), splits)

        script = str(NETWORK / "src/evaluate.py")
        return self._call(arguments, lambda: evaluate_command(script, self._schema, PLOTS, main))

    def _call(self, arguments: tuple[object, ...], command: Callable[[], None]) -> Ended:
        outputs = () if "--outputs" in arguments else ("--outputs", self.outputs)
        self._patch.setattr("sys.argv", ["script.py", *map(str, (*arguments, *outputs))])
        handlers = {name: [*logging.getLogger(name).handlers] for name in ("engine", "data_utils")}
        self._capsys.readouterr()
        try:
            with pytest.raises(SystemExit) as ended:
                command()
        finally:
            for name, before in handlers.items():
                logging.getLogger(name).handlers[:] = before
        printed = self._capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Ended(ended.value.code, printed.out, printed.err)


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Commands:
    return Commands(tmp_path / "outputs", capsys, monkeypatch)


def files_under(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_refused(ended: Ended, code: int, *parts: str) -> None:
    """One line, and all of `parts` in it."""
    assert ended.code == code, ended.stderr
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert ended.stderr.startswith("error: ")
    for part in parts:
        assert part in ended.stderr


# ---- names, flags and settings -----------------------------------------------------------------------------------

MISTAKES: dict[str, tuple[tuple[object, ...], tuple[str, ...]]] = {
    "no experiment": ((), ("name an experiment: --experiment {blobs}",)),
    "unknown experiment": (("--experiment", "blbs"), ("unknown experiment 'blbs', did you mean 'blobs'?",)),
    "no epochs": (("--experiment", "blobs", "--epochs", 0), ("'--epochs': 0 is not in the range x>=1",)),
    "negative epochs": (("--experiment", "blobs", "--epochs", -1), ("'--epochs': -1 is not in the range x>=1",)),
    "epochs in letters": (("--experiment", "blobs", "--epochs", "abc"), ("'--epochs': 'abc' is not a valid integer",)),
    "unknown flag": (("--experiment", "blobs", "--epoch", 3), ("No such option '--epoch'", "'--epochs'")),
    "unknown plot": (
        ("--experiment", "blobs", "--plot", "learning_curv"),
        ("unknown plot 'learning_curv', did you mean 'learning_curve'?",),
    ),
    "unknown data set": (
        ("--experiment", "blobs", "data.name=noisy_blob"),
        ("unknown data.name 'noisy_blob', did you mean 'noisy_blobs'?", "iris"),
    ),
    "unknown setting": (
        ("--experiment", "blobs", "trainer.batchsize=4"),
        ("trainer.batchsize is not a known key, did you mean 'trainer.batch_size'?",),
    ),
    "unknown group": (("--experiment", "blobs", "optimizer=adm"), ("unknown optimizer 'adm', did you mean 'adam'?",)),
    "a word for a number": (("--experiment", "blobs", "optimizer.lr=fast"), ("optimizer.lr: ", "(got 'fast')")),
    "out of range": (("--experiment", "blobs", "optimizer.lr=-0.1"), ("optimizer.lr: ", "greater than 0 (got -0.1)")),
    "not a number": (("--experiment", "blobs", "optimizer.lr=nan"), ("optimizer.lr: ", "finite number (got nan)")),
    "seed too large": (("--experiment", "blobs", "--seed", 2**32), ("seed: input should be less than 4294967296",)),
    "no unit": (("--experiment", "blobs", "trainer.duration=5"), ("trainer.duration: ", "'20 epochs'", "(got 5)")),
    "no override": (("--experiment", "blobs", "fast"), ("cannot read the override 'fast': write key=value",)),
    "a sweep": (("--experiment", "blobs", "seed=1,2"), ("'seed=1,2' has several values: give one",)),
    "no key": (("--experiment", "blobs", "=3"), ("cannot read the override '=3'",)),
    "no value of a group": (("--experiment", "blobs", "trainer=null"), ("config of blobs: ", "group override")),
    "the experiment as an override": (("--experiment", "blobs", "experiment=xor"), ("--experiment chooses",)),
    "a setting of hydra": (("--experiment", "blobs", "hydra.run.dir=x"), ("is of no setting",)),
    "two lines": (("--experiment", "blobs", "a\nb=3"), ("cannot read the override 'a b=3'",)),
    "a file that is missing": (("--config", "nowhere.yaml"), ("cannot read config nowhere.yaml: No such file",)),
    "a folder for a config": (("--config", "/"), ("cannot read config /: Is a directory",)),
    "no split of that name": (
        ("--experiment", "blobs", "data.validation=0.0"),
        ("noisy_blobs has no validation split: set data.validation above 0",),
    ),
    "too little data": (("--experiment", "blobs", "data.n=4"), ("data.test=0.2", "leaves")),
    "too long": (("--experiment", "blobs", "trainer.duration=1e308 epochs"), ("trainer.duration: ", "at most 1e+18")),
    "too many epochs": (("--experiment", "blobs", "--epochs", 10**30), ("trainer.duration: ", "at most 1e+18")),
    "a batch that no machine holds": (
        ("--experiment", "blobs", f"trainer.batch_size={10**21}", "trainer.accumulate=2000000000"),
        ("trainer.batch_size: ", "trainer.accumulate: ", "less than or equal to 1000000000"),
    ),
    "threads of another world": (
        ("--experiment", "blobs", "hardware.threads=2000000", "trainer.workers=100000"),
        ("hardware.threads: ", "trainer.workers: ", "less than or equal to 1024"),
    ),
    "data that no machine holds": (
        ("--experiment", "blobs", "data.n=99999999999", f"data.features={10**21}", "data.noise=1e308"),
        ("data.n: ", "data.features: ", "data.noise: "),
    ),
    "a model that no machine holds": (("--experiment", "blobs", f"model.hidden={10**30}"), ("model.hidden: ",)),
    "a seed of the claims too large": (("--experiment", "blobs", f"seeds=[{2**32}]"), ("seeds.0: ",)),
    "too much to profile": (("--experiment", "blobs", "--profile", 10**20), ("not in the range 1<=x<=10000",)),
    "unknown metric": (("--experiment", "blobs", "trainer.metrics=[acuracy]"), ("did you mean 'accuracy'?",)),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_on_the_command_line_is_one_line(mistake: str, commands: Commands) -> None:
    arguments, parts = MISTAKES[mistake]
    assert_refused(commands.train(*arguments), 2, *parts)
    assert files_under(commands.outputs) == {}


@pytest.mark.parametrize(
    "option", ["--load-checkpoint", "--resume", "--outputs", "--config", "--experiment", "--plot", "--seeds", "--tags"]
)
def test_an_option_without_its_value_is_not_left_out_in_silence(
    option: str, commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # an empty path is this folder
    ended = commands.train("--experiment", "blobs", "--no-wandb", option, "")
    assert_refused(ended, 2, f"{option} is given an empty value")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("several", [(), ("--seeds", "0-1"), ("--seeds", "0-1", "model.dropout=0.0")])
def test_a_mistake_that_the_first_evaluation_finds_leaves_no_run(several: tuple[str, ...], commands: Commands) -> None:
    wrong = ("trainer.monitor.metric=validation/acuracy", "tracking.tensorboard=true")
    ended = commands.train("--experiment", "blobs", "--no-wandb", *wrong, *several)
    assert (ended.code, ended.stdout) == (2, "")
    assert "error: trainer.monitor.metric is 'validation/acuracy', but evaluated are: " in ended.stderr
    assert list(commands.outputs.glob("*/*")) == []


def test_all_mistakes_in_a_config_are_told_at_once(commands: Commands) -> None:
    ended = commands.train(
        "--experiment",
        "blobs",
        "model.hidden=0",
        "trainer.batch_size=few",
        "trainer.batchsize=8",
        "optimizer.momentum=1.5",
        "modl.hidden=3",
    )
    parts = ("model.hidden: ", "trainer.batch_size: ", "optimizer.momentum: ", "did you mean 'model.hidden'?")
    assert_refused(ended, 2, *parts, "trainer.batchsize is not a known key, did you mean 'trainer.batch_size'?")


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("", "is not a config: it should hold keys and values"),
        ("seed: 3", "experiment is missing; goal is missing"),
        ("seed: [", "is not valid YAML"),
        ("- a\n- b\n", "is not a config: it should hold keys and values"),
        ("seed: ${nothing}\n", "nothing"),
        ("\x00\x01", "is not valid YAML"),
    ],
)
def test_a_config_file_that_is_none_is_refused(content: str, part: str, commands: Commands, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(content)
    assert_refused(commands.train("--config", path), 2, part)


def test_a_config_of_another_experiment_is_refused(commands: Commands, tmp_path: Path) -> None:
    commands.bench.train(run := commands.bench.run(commands.bench.config("blobs", "trainer.duration=1 step")))
    saved = run.folders.models / "config.yaml"
    assert_refused(commands.train("--config", saved, "--experiment", "xor"), 2, "is of experiment blobs, not xor")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("--experiment", "blobs"), "Missing option '--checkpoint'"),
        (("--checkpoint", "latest"), "Missing option '--experiment'"),
        (("--checkpoint", "", "--experiment", "blobs"), "--checkpoint is given an empty value"),
        (("--checkpoint", "latest", "--experiment", "blbs"), "did you mean 'blobs'?"),
        (("--checkpoint", "latest", "--experiment", "blobs", "--plot", "curve"), "unknown plot 'curve'"),
        (("--checkpoint", "latest", "--experiment", "blobs", "--split", "tset"), "'tset' is not one of"),
        (("--checkpoint", "latest", "--experiment", "blobs"), "there is no run 'latest'"),
    ],
)
def test_a_mistake_in_an_evaluation_is_one_line(arguments: tuple[str, ...], part: str, commands: Commands) -> None:
    assert_refused(commands.evaluate(*arguments), 2, part)


def test_with_debug_the_traceback_comes_before_the_line(commands: Commands) -> None:
    ended = commands.train("--experiment", "blbs", "--debug")
    assert ended.code == 2
    assert ended.stderr.startswith("Traceback")
    assert ended.stderr.splitlines()[-1].startswith("error: unknown experiment 'blbs'")


def test_a_process_exits_with_2_for_what_the_user_got_wrong(tmp_path: Path) -> None:
    assert_refused(call(TRAIN, "--experiment", "xr", "--outputs", tmp_path / "o"), 2, "did you mean 'xor'?")
    assert_refused(call(TRAIN, "--experiment", "xor", "--epochs", 0, "--outputs", tmp_path / "o"), 2, "x>=1")
    assert_refused(call(EVALUATE, "--experiment", "xor", "--checkpoint", "no.pt"), 2, "there is no checkpoint 'no.pt'")
    assert not (tmp_path / "o").exists()


# ---- checkpoints -------------------------------------------------------------------------------------------------


class Bomb:
    """What runs when it is unpickled the careless way."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """A finished run, and its checkpoint."""
    bench = Bench(NETWORK, tmp_path_factory.mktemp("good"))
    return bench.train(bench.run(bench.config("blobs", "trainer.duration=1 epoch")))


def changed(path: Path, good: Outcome, **changes: Any) -> None:
    save_checkpoint(path, {**good.checkpoint(), **changes})


def half(path: Path, good: Outcome) -> None:
    content = (good.run.folders.models / "model_last.pt").read_bytes()
    path.write_bytes(content[: len(content) // 2])


def one_bit_flipped(path: Path, good: Outcome) -> None:
    content = bytearray((good.run.folders.models / "model_last.pt").read_bytes())
    weights = good.weights["layers.0.weight"].numpy().tobytes()
    content[content.find(weights) + 5] ^= 1
    path.write_bytes(content)


def bomb(path: Path, good: Outcome, **how: Any) -> None:
    torch.save({"schema": 1, "digest": "", "content": Bomb(path.with_name("exploded"))}, path, **how)


def plain_bomb(path: Path, good: Outcome) -> None:
    path.write_bytes(pickle.dumps(Bomb(path.with_name("exploded"))))


def of_another_shape(path: Path, good: Outcome) -> None:
    changed(path, good, model={**good.weights, "layers.0.weight": torch.zeros(7, 3)})


CHECKPOINTS: dict[str, tuple[Callable[[Path, Outcome], object], str]] = {
    "missing": (lambda path, good: None, "there is no checkpoint"),
    "empty": (lambda path, good: path.touch(), "is empty"),
    "cut in half": (half, "is damaged or cut short"),
    "one bit flipped": (one_bit_flipped, "is damaged or cut short"),
    "a folder": (lambda path, good: path.mkdir(), "is a folder, not a checkpoint"),
    "text": (lambda path, good: path.write_text("weights: 1 2 3\n" * 9), "is damaged or cut short"),
    "a bomb": (bomb, "holds more than tensors and was refused"),
    "an old bomb": (
        lambda path, good: bomb(path, good, _use_new_zipfile_serialization=False),
        "holds more than tensors and was refused",
    ),
    "a plain bomb": (plain_bomb, "holds more than tensors and was refused"),
    "someone else's": (lambda path, good: torch.save(good.weights, path), "is not a checkpoint of this project"),
    "from another chapter": (
        lambda path, good: changed(path, good, chapter="01_perceptron"),
        "is from chapter 01_perceptron, not from 90_logistic",
    ),
    "of another shape": (of_another_shape, "has 'layers.0.weight' of shape [7, 3], this model needs [4, 3]"),
    "with other weights": (
        lambda path, good: changed(path, good, model={"w": torch.zeros(1)}),
        "has no 'layers.0.weight', which this model needs",
    ),
    "that points outside": (
        lambda path, good: changed(path, good, run_id="../../elsewhere"),
        "is not a checkpoint of this project",
    ),
}


@pytest.mark.parametrize("kind", CHECKPOINTS)
def test_a_checkpoint_that_cannot_be_used_is_one_line(
    kind: str, commands: Commands, good: Outcome, tmp_path: Path
) -> None:
    make, part = CHECKPOINTS[kind]
    path = tmp_path / "model.pt"
    make(path, good)
    before = files_under(tmp_path)
    assert_refused(commands.train("--experiment", "blobs", "--no-wandb", "--load-checkpoint", path), 2, str(path), part)
    assert_refused(commands.evaluate("--experiment", "blobs", "--checkpoint", path), 2, str(path), part)
    assert not (tmp_path / "exploded").exists()
    assert files_under(tmp_path) == before


@pytest.mark.parametrize("name", ["latest", "blobs-0-no-such-run", "x" * 300, "a\0b"])
def test_a_checkpoint_that_nothing_is_called_by_is_one_line(name: str, commands: Commands) -> None:
    assert_refused(commands.evaluate("--experiment", "blobs", "--checkpoint", name), 2, "there is no ")
    assert_refused(commands.train("--experiment", "blobs", "--load-checkpoint", name), 2, "there is no ")


def test_a_run_without_a_checkpoint_is_one_line(commands: Commands) -> None:
    run = commands.bench.run(commands.bench.config("blobs", "trainer.duration=1 step"), save_checkpoint=False)
    commands.bench.train(run)
    ended = commands.evaluate("--experiment", "blobs", "--checkpoint", run.run_id)
    assert_refused(ended, 2, "holds no checkpoint; was the run made with --no-save-checkpoint")


def test_a_bomb_does_not_go_off_in_a_process_either(good: Outcome, tmp_path: Path) -> None:
    bomb(tmp_path / "model.pt", good)
    for command in ((TRAIN, "--no-wandb", "--load-checkpoint"), (EVALUATE, "--checkpoint")):
        ended = call(*command, tmp_path / "model.pt", "--experiment", "xor", "--outputs", tmp_path / "outputs")
        assert_refused(ended, 2, "holds more than tensors and was refused")
    assert not (tmp_path / "exploded").exists()
    assert not (tmp_path / "outputs").exists()


# ---- places that cannot be written -------------------------------------------------------------------------------


@pytest.mark.parametrize("blocked", ["", "models", "logs"])
def test_a_file_where_a_folder_should_be_is_one_line(blocked: str, commands: Commands) -> None:
    place = commands.outputs / blocked
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("in the way")
    ended = commands.train("--experiment", "blobs", "--no-wandb")
    assert_refused(ended, 1, "cannot write ", "; choose ")
    assert files_under(place.parent) == {place: b"in the way"}


def test_an_evaluation_of_a_split_that_there_is_not_names_the_flag(commands: Commands, good: Outcome) -> None:
    checkpoint = good.run.folders.models / "model_last.pt"
    arguments = ("--checkpoint", checkpoint, "--experiment", "blobs")
    ended = commands.evaluate(*arguments, "data.test=0")
    assert_refused(ended, 2, "noisy_blobs has no test split to evaluate on: add --split validation")
    ended = commands.evaluate(*arguments, "data.validation=0", "--split", "validation")
    assert_refused(ended, 2, "noisy_blobs has no validation split to evaluate on: add --split test")


@pytest.mark.parametrize(
    "override", ["model.hidden=5", "optimizer.lr=1", "optimizer=adam", "trainer.duration=1 step", "tags=[a]"]
)
def test_an_override_that_an_evaluation_has_no_use_for_is_one_line(
    override: str, commands: Commands, good: Outcome
) -> None:
    before = files_under(good.run.outputs)
    ended = commands.evaluate(
        "--checkpoint", good.run.folders.models / "model_last.pt", "--experiment", "blobs", override
    )
    key = override.partition("=")[0]
    assert_refused(
        ended, 2, f"{key} would have no effect: ", "what can be changed is data, hardware, seed, trainer.batch"
    )
    assert files_under(good.run.outputs) == before


def test_what_an_evaluation_uses_can_be_changed(commands: Commands, good: Outcome) -> None:
    changes = ("data.noise=0.5", "hardware=cpu", "seed=3", "trainer.batch_size=5", "trainer.metrics=[error]")
    checkpoint = good.run.folders.models / "model_last.pt"
    ended = commands.evaluate("--checkpoint", checkpoint, "--experiment", "blobs", *changes)
    assert ended.code == 0, ended.stderr
    assert "  error " in ended.stdout and "  accuracy " not in ended.stdout


def test_an_evaluation_that_cannot_be_written_is_one_line(commands: Commands, good: Outcome) -> None:
    commands.outputs.write_text("in the way")
    checkpoint = good.run.folders.models / "model_last.pt"
    assert_refused(commands.evaluate("--experiment", "blobs", "--checkpoint", checkpoint), 1, "cannot write ")


def with_files_up_to(size: int) -> Callable[[], None]:
    """For a process: a disk on which no file may grow beyond `size` bytes."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize("size", [500, 2500])  # too small for environment.json, and for the log with it
def test_a_disk_that_is_full_at_the_start_is_one_line(size: int, tmp_path: Path) -> None:
    ended = call(
        *(TRAIN, "--experiment", "xor", "--no-wandb", "--outputs", tmp_path),
        preexec_fn=with_files_up_to(size),
        env=FULL_DISK,
    )
    assert_refused(ended, 1, "cannot write ", "File too large")
    assert files_under(tmp_path) == {}


def test_a_disk_that_fills_up_stops_the_run_in_good_order(tmp_path: Path) -> None:
    long = ("--experiment", "iris-hard", "--no-wandb", "--outputs", tmp_path, "trainer.checkpoint.every=10 epochs")
    ended = call(TRAIN, *long, preexec_fn=with_files_up_to(40_000), env=FULL_DISK)
    assert_stopped_by_a_full_disk(ended)
    (folder,) = (tmp_path / "models").iterdir()
    assert json.loads((folder / "metrics.json").read_text())["status"] == "failed"
    assert {path.name for path in folder.iterdir()} == {
        "config.yaml",
        "environment.json",
        "metrics.json",
        "model_best.pt",
        "model_last.pt",
    }
    (record,) = tmp_path.glob("logs/*/metrics.jsonl")
    assert record.read_bytes().endswith(b"}\n")  # whole rows only
    assert call(TRAIN, "--resume", "latest", "--outputs", tmp_path).code == 0


def assert_stopped_by_a_full_disk(ended: Ended) -> None:
    assert ended.code == 1
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    assert ended.stderr.count("error: ") == 1
    assert ended.stderr.splitlines()[-1].startswith("error: cannot write ")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_real_disk_that_fills_up_loses_nothing(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(256 * 1024))
    place = ("--no-wandb", "--outputs", small_disk)
    ended = call(TRAIN, "--experiment", "xor", *place, env=FULL_DISK)
    assert_refused(ended, 1, "cannot write ", "No space left on device")
    assert list(files_under(small_disk)) == [ballast]

    ballast.write_bytes(bytes(128 * 1024))
    ended = call(TRAIN, "--experiment", "iris-hard", *place, "trainer.checkpoint.every=10 epochs", env=FULL_DISK)
    assert_stopped_by_a_full_disk(ended)
    (checkpoint,) = small_disk.glob("models/*/model_last.pt")
    assert load_checkpoint(checkpoint)["step"] > 0


# ---- resuming what cannot be resumed -----------------------------------------------------------------------------


@pytest.fixture
def stopped(commands: Commands) -> Run:
    """A run that was stopped at step 5."""
    run = commands.bench.run(commands.bench.config("blobs"))
    with pytest.raises(Interrupted):
        commands.bench.train(run, prepare=stop_at(5))
    return run


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("--epochs", "7"), "has another config: trainer.duration is 3 epochs, not 7 epochs; resume it as it is"),
        (("--seed", "1", "model.hidden=8"), "has another config: seed is 0, not 1; model.hidden is 4, not 8"),
        (("model.hiden=8",), "model.hiden is not a known key, did you mean 'model.hidden'?"),
        (("--experiment", "xor"), "experiment is blobs, not xor"),
        (("--config", "config.yaml"), "leave out --load-checkpoint and --config"),
        (("--load-checkpoint", "latest"), "leave out --load-checkpoint and --config"),
    ],
)
def test_resuming_with_other_settings_is_one_line(
    arguments: tuple[str, ...], part: str, commands: Commands, stopped: Run
) -> None:
    before = files_under(commands.outputs)
    for name in ("latest", stopped.run_id):
        assert_refused(commands.train("--resume", name, *arguments), 2, part)
    assert files_under(commands.outputs) == before


def test_resuming_with_the_same_settings_goes_on(commands: Commands, stopped: Run) -> None:
    groups = ("scheduler=constant", "hardware=cpu", "optimizer=sgd")
    same = ("--experiment", "blobs", "--epochs", 3, "--no-wandb", "tracking.tensorboard=false", *groups)
    assert commands.train("--resume", stopped.run_id, *same).code == 0
    assert Outcome(stopped).summary["status"] == "finished"


def test_resuming_a_run_that_finished_is_done_already(commands: Commands) -> None:
    run = commands.bench.run(commands.bench.config("blobs", "trainer.duration=1 epoch"))
    commands.bench.train(run)
    before = files_under(commands.outputs)
    for name in ("latest", run.run_id):
        ended = commands.train("--resume", name)
        assert ended.code == 0 and f"--load-checkpoint {run.run_id}" in ended.stderr
    assert_refused(
        commands.train("--resume", "latest", "--epochs", "7"), 2, "trainer.duration is 1 epoch, not 7 epochs"
    )
    assert files_under(commands.outputs) == before


def test_resuming_a_run_that_there_is_not_is_one_line(commands: Commands, stopped: Run, tmp_path: Path) -> None:
    ended = commands.train("--resume", "blobs-7")
    assert_refused(ended, 2, "there is no run 'blobs-7' in ", f"; the newest is {stopped.run_id}")
    assert_refused(commands.train("--resume", "latest", "--outputs", tmp_path / "empty"), 2, "there is no run 'latest'")


@pytest.mark.parametrize("name", ["metrics.json", "model_last.pt", "config.yaml"])
def test_resuming_a_run_with_a_damaged_file_is_one_line(name: str, commands: Commands, stopped: Run) -> None:
    path = stopped.folders.models / name
    path.write_bytes(path.read_bytes()[:40])
    before = files_under(commands.outputs)
    assert_refused(commands.train("--resume", stopped.run_id), 2)
    assert files_under(commands.outputs) == before


@pytest.mark.parametrize("content", ["{}", "[]", "null", '{"status": "running", "chapter": "x", "last": 3}'])
def test_resuming_a_run_whose_notes_are_none_is_one_line(content: str, commands: Commands, stopped: Run) -> None:
    (stopped.folders.models / "metrics.json").write_text(content)
    before = files_under(commands.outputs)
    refused = f"run {stopped.run_id} has no readable metrics.json; start a new run"
    assert_refused(commands.train("--resume", stopped.run_id), 2, refused)
    assert files_under(commands.outputs) == before


def test_a_run_that_has_no_checkpoint_yet_starts_over(commands: Commands) -> None:
    run = commands.bench.run(commands.bench.config("blobs"))
    with pytest.raises(ZeroDivisionError):
        commands.bench.train(run, prepare=fail_at(3))
    ended = commands.train("--resume", "latest")
    assert ended.code == 0
    assert "training for 18 steps" in ended.stderr
    assert Outcome(run).summary["status"] == "finished"


def test_a_run_that_starts_over_begins_with_the_weights_that_it_was_given(commands: Commands, good: Outcome) -> None:
    checkpoint = good.run.folders.models / "model_last.pt"
    run = commands.bench.run(commands.bench.config("blobs"), load_checkpoint=str(checkpoint))
    with pytest.raises(ZeroDivisionError):
        commands.bench.train(run, prepare=fail_at(3))
    assert commands.train("--resume", run.run_id).code == 0
    assert Outcome(run).rows[0]["train/loss"] == good.rows[-1]["train/loss"]
    assert Outcome(run).summary["started_from"] == str(checkpoint)


def test_a_renamed_run_is_no_obstacle(commands: Commands, stopped: Run) -> None:
    shutil.copytree(stopped.folders.models, commands.outputs / "models" / "backup")
    assert commands.train("--resume", "latest").code == 0
    assert Outcome(stopped).summary["status"] == "finished"


# ---- runs and data that fail -------------------------------------------------------------------------------------


def test_a_lack_of_memory_is_one_line(tmp_path: Path) -> None:
    limit = 6 * 2**30  # of addresses, so that nothing is really taken
    ended = call(
        *(NETWORK / "src/train.py", "--experiment", "blobs", "--no-wandb", "--outputs", tmp_path, "data.n=1000000000"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
    assert_refused(
        ended, 1, "not enough memory: use a smaller trainer.batch_size, model or data set (Unable to allocate"
    )
    assert files_under(tmp_path) == {}


def test_a_process_exits_with_1_where_the_run_fails(tmp_path: Path) -> None:
    ended = call(TRAIN, "--experiment", "xor", "--no-wandb", "--outputs", tmp_path, "model.learning_rate=1e38")
    assert ended.code == 1
    assert ended.stdout == ""
    assert ended.stderr.count("error: ") == 1
    assert "Traceback" not in ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("error: the loss is ")


def without_network(data: Path) -> dict[str, str]:
    """Nothing is there, and no mirror and no host can be reached."""
    nowhere = {name: "http://127.0.0.1:9" for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")}
    return {"SCRATCH_DATA_DIR": str(data), "SCRATCH_DATA_MIRROR": "", "NO_PROXY": "", "no_proxy": "", **nowhere}


def test_without_network_and_mirror_the_file_and_the_way_out_are_named(tmp_path: Path) -> None:
    place = ("--no-wandb", "--outputs", tmp_path / "outputs")
    ended = call(TRAIN, "--experiment", "mnist-0v1", *place, env=without_network(tmp_path / "data"))
    assert_refused(ended, 1, "cannot get mnist/train-images-idx3-ubyte.gz from https://", "set SCRATCH_DATA_MIRROR to")
    assert files_under(tmp_path) == {}


def test_an_altered_data_file_is_refused(tmp_path: Path) -> None:
    raw = tmp_path / "data" / "raw" / "mnist"
    raw.mkdir(parents=True)
    altered = raw / "train-images-idx3-ubyte.gz"
    altered.write_bytes(b"not what it was")
    place = ("--no-wandb", "--outputs", tmp_path / "outputs")
    ended = call(TRAIN, "--experiment", "mnist-0v1", *place, env=without_network(tmp_path / "data"))
    assert_refused(ended, 1, f"{altered} is cut short: 15 bytes", "delete it and run `scratch data get mnist`")
    assert files_under(tmp_path) == {altered: b"not what it was"}
