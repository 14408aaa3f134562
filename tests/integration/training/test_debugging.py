"""Help with a model that does not learn, or not fast enough: what `docs/debugging.md` promises."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from data_utils import load
from data_utils.batches import epoch_order
from data_utils.splits import TensorSplit
from engine.debug.dry_run import dry_run
from engine.debug.lr_finder import find_lr
from engine.debug.profiler import profile
from engine.trainer import Trainer
from tests.doubles.bench import NETWORK, PERCEPTRON, Bench
from tests.doubles.scripts import TRAIN, call, start
from tests.doubles.toy_clone import ToyClone
from tests.integration.training.test_trainer import FromDisk, OneLayer, fail_at
from utils.errors import InputError, RunError


@pytest.fixture(scope="module", autouse=True)
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCRATCH_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        yield
    torch.set_deterministic_debug_mode("default")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(NETWORK, tmp_path / "outputs")


def rehearse(
    bench: Bench,
    *overrides: str,
    model: nn.Module | None = None,
    prepare: Callable[[nn.Module], None] = lambda model: None,
) -> None:
    plots = ("learning_curve",)
    run = bench.run(bench.config("blobs", *overrides), plots=plots)
    dry_run(bench.prepare(run, model, prepare))


# ---- --dry-run ---------------------------------------------------------------------------------------------------

PHASES = ["data", "model", "training step", "evaluation", "checkpoint", "plots"]


@pytest.mark.parametrize("changes", [(), ("optimizer=adam", "trainer.ema_decay=0.9", "trainer.accumulate=2")])
def test_a_dry_run_goes_through_every_phase_and_writes_nothing(
    changes: tuple[str, ...], bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    rehearse(bench, *changes)
    title, *phases, last = capsys.readouterr().out.splitlines()
    assert title.startswith("dry run of blobs: ")
    assert [line.partition(" ok ")[0].strip() for line in phases] == PHASES
    assert last == "nothing was written"
    assert not bench.outputs.exists()


def test_that_a_dry_run_takes_a_single_step_is_said_where_several_are_compiled_together(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    for wanted in ("none", "steps"):
        rehearse(bench, f"trainer.compile={wanted}")
        assert ("planned; trainer.compile=steps is left out" in capsys.readouterr().out) == (wanted == "steps")


def test_a_dry_run_by_the_script_draws_all_plots_of_the_experiment_and_leaves_no_file(tmp_path: Path) -> None:
    ended = call(TRAIN, "--experiment", "xor", "--dry-run", "--outputs", tmp_path / "outputs", cwd=tmp_path)
    assert ended.code == 0, ended.stderr
    assert "learning_curve, decision_boundary, weight_trajectory" in ended.stdout
    assert list(tmp_path.iterdir()) == []


class WrongShape(OneLayer):
    """A model whose evaluation is not made for its data."""

    def evaluation_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        return {"predictions": self.layer(batch[0][:, :2]).argmax(1), "targets": batch[1]}


def test_a_wrong_shape_is_one_line_that_names_the_phase(bench: Bench) -> None:
    with pytest.raises(RunError, match=r"^evaluation: RuntimeError: mat1 and mat2 shapes .*; --debug shows where$"):
        rehearse(bench, model=WrongShape())
    with pytest.raises(RunError, match=r"^training step: ZeroDivisionError: a defect; "):
        rehearse(bench, prepare=fail_at(1))
    assert not bench.outputs.exists()


def test_what_cannot_be_saved_is_found_by_a_dry_run(bench: Bench) -> None:
    def spoil(model: nn.Module) -> None:
        model.register_buffer("spoiled", torch.tensor(torch.nan))

    with pytest.raises(RunError, match="spoiled is not finite"):
        rehearse(bench, prepare=spoil)


def test_an_unknown_monitor_is_found_by_a_dry_run(bench: Bench) -> None:
    with pytest.raises(InputError, match="evaluated are: model/weight_norm, train/accuracy"):
        rehearse(bench, "trainer.monitor.metric=validation/acuracy")


def test_a_model_that_cannot_be_built_is_one_line_of_a_dry_run_and_its_place_is_shown_on_demand(tmp_path: Path) -> None:
    chapter = Path(shutil.copytree(NETWORK, tmp_path / NETWORK.name))
    model = chapter / "src/model.py"
    built = "super().__init__()\n"
    assert model.read_text().count(built) == 1
    model.write_text(model.read_text().replace(built, f"{built}        int('a layer')\n"))
    arguments = (chapter / "src/train.py", "--experiment", "blobs", "--dry-run", "--outputs", tmp_path / "outputs")
    ended = call(*arguments)
    assert (ended.code, ended.stderr.count("\n")) == (1, 1)
    assert ended.stderr.startswith("error: setting up: ValueError: invalid literal for int() with base 10: 'a layer'; ")
    assert "in __init__\n    int('a layer')" in call(*arguments, "--debug").stderr


def test_a_dry_run_whose_reader_has_seen_enough_ends_well_and_without_a_word() -> None:
    with start(TRAIN, "--experiment", "xor", "--dry-run", env={"PYTHONUNBUFFERED": "1"}) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()  # as `| head` does
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_a_dry_run_is_not_resumed(tmp_path: Path) -> None:
    ended = call(TRAIN, "--resume", "latest", "--dry-run", "--outputs", tmp_path)
    assert (ended.code, ended.stderr) == (2, "error: --dry-run and --resume do not go together: give one of them\n")


# ---- --overfit-batches -------------------------------------------------------------------------------------------


def test_a_sound_model_learns_one_batch_by_heart(bench: Bench) -> None:
    changes = ("trainer.overfit_batches=1", "trainer.duration=200 epochs", "model.dropout=0.0")
    outcome = bench.train(bench.run(bench.config("blobs", *changes)))
    assert outcome.summary["step"] == 200
    assert outcome.summary["last"]["train/accuracy"] == 1
    assert outcome.summary["last"]["train/loss"] < 0.05
    assert outcome.summary["last"]["validation/loss"] == outcome.summary["last"]["train/loss"]
    assert "overfit_batches: 1\n" in (outcome.run.folders.models / "config.yaml").read_text()


@pytest.mark.parametrize("from_disk", [False, True])
def test_only_the_examples_of_the_first_batches_are_ever_seen(from_disk: bool, bench: Bench) -> None:
    seen: set[tuple[float, ...]] = set()
    config = bench.config("blobs", "trainer.overfit_batches=2", "seed=5")
    splits, trainer = load(config.data), Trainer(bench.run(config))
    model = bench.model(config, splits.n_features)
    step = model.training_step

    def watched(batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        seen.update(map(tuple, batch[0].tolist()))
        return step(batch)  # type: ignore[no-any-return, operator]

    model.training_step = watched  # type: ignore[assignment]
    trainer.prepare(model, splits, FromDisk(splits.train) if from_disk else None).train()
    inputs = splits.train.inputs
    assert seen == set(map(tuple, inputs[epoch_order(len(inputs), 5, 0)[:16]].tolist()))


def test_examples_that_are_not_those_of_the_split_cannot_be_overfitted_on(bench: Bench) -> None:
    config = bench.config("blobs", "trainer.overfit_batches=2")
    splits, trainer = load(config.data), Trainer(bench.run(config))
    half = FromDisk(TensorSplit(splits.train.inputs[:24], splits.train.targets[:24]))
    with pytest.raises(InputError, match="needs a training example for each one of the training split"):
        trainer.prepare(bench.model(config, splits.n_features), splits, half)


def test_more_batches_than_an_epoch_has_are_refused(bench: Bench) -> None:
    with pytest.raises(InputError, match=r"trainer\.overfit_batches is 7, but an epoch has only 6 batches of 8"):
        bench.train(bench.run(bench.config("blobs", "trainer.overfit_batches=7")))
    assert not bench.outputs.exists()


def test_the_flag_ends_up_in_the_config_of_a_self_updating_model_too(tmp_path: Path) -> None:
    flags = ("--overfit-batches", 1, "--epochs", 20, "--no-wandb", "--outputs", tmp_path, "trainer.batch_size=3")
    ended = call(TRAIN, "--experiment", "xor", *flags)
    assert ended.code == 0, ended.stderr
    assert "train/accuracy           1\n" in ended.stdout  # three points of XOR can be told apart by a line
    assert "the same 3 examples and no others" in ended.stderr
    assert Bench(PERCEPTRON, tmp_path).config("xor").trainer.overfit_batches is None


# ---- --find-lr ---------------------------------------------------------------------------------------------------


def test_the_learning_rate_finder_draws_one_picture_and_names_a_rate_that_works(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    find_lr(bench.prepare(bench.run(bench.config("blobs", "model.dropout=0.0"))))
    (picture,) = (path for path in bench.outputs.rglob("*") if path.is_file())
    assert picture.name == "learning_rate_finder.png"
    said = capsys.readouterr().out
    rate = float(re.search(r"optimizer\.lr=(\S+)$", said, re.MULTILINE)[1])  # type: ignore[index]
    assert 0.01 < rate < 1.0
    changes = ("model.dropout=0.0", f"optimizer.lr={rate}", "trainer.duration=10 epochs")
    outcome = bench.train(bench.run(bench.config("blobs", *changes)))
    assert outcome.summary["last"]["train/accuracy"] > 0.85


class Parabola(WrongShape):
    """A loss with a known limit of stability, and its lowest value wherever one likes."""

    def __init__(self, lowest: float) -> None:
        super().__init__()
        torch.manual_seed(0)
        nn.init.normal_(self.layer.weight)
        self.lowest = lowest

    def training_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        return {"loss": 50 * self.layer.weight.square().sum() + self.lowest}  # stable up to a rate of 2 / (2 · 50)


@pytest.mark.parametrize("lowest", [1.0, 0.0, -100.0, -1e4, 1e4])
def test_the_learning_rate_finder_stops_where_the_loss_blows_up_wherever_its_zero_is(
    lowest: float, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    find_lr(bench.prepare(bench.run(bench.config("blobs")), Parabola(lowest)))
    diverged = re.search(
        r"(\d+) steps: lowest loss at (\S+), diverged at (\S+)$", capsys.readouterr().out, re.MULTILINE
    )
    assert diverged is not None
    assert int(diverged[1]) < 100
    assert 0.02 < float(diverged[3]) < 0.5


class SpreadOfInputs(WrongShape):
    """A loss that no learning rate changes."""

    def training_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        return {"loss": batch[0].square().mean() + 0 * self.layer.weight.sum()}


def test_the_learning_rate_finder_weighs_the_passes_of_a_step_as_training_does(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn: dict[str, list[float]] = {}
    monkeypatch.setattr("plotting.render", lambda name, found: drawn.update(found))
    monkeypatch.setattr("plotting.save", lambda figure, path: None)
    changes = ("trainer.batch_size=10", "trainer.accumulate=5")  # 48 examples: one step an epoch, its last pass of 8
    config = bench.config("blobs", *changes)
    find_lr(bench.prepare(bench.run(config), SpreadOfInputs()))
    mean = load(config.data).train.inputs.square().mean().item()
    assert drawn["losses"] == pytest.approx([mean] * 100, rel=1e-5)
    assert "did not diverge" in capsys.readouterr().out


def test_a_model_without_an_optimizer_has_no_learning_rate_to_find(tmp_path: Path) -> None:
    ended = call(TRAIN, "--experiment", "xor", "--find-lr", "--outputs", tmp_path / "outputs")
    assert (ended.code, ended.stdout) == (2, "")
    line = "error: this model makes its own update: --find-lr is for models that learn by one optimizer\n"
    assert ended.stderr.endswith(line)
    assert list(tmp_path.iterdir()) == []


def test_a_loss_that_is_never_finite_is_said(bench: Bench) -> None:
    class Nothing(WrongShape):
        def training_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
            return {"loss": self.layer.weight.sum() * torch.nan}

    with pytest.raises(RunError, match="the loss is not finite at the first step"):
        find_lr(bench.prepare(bench.run(bench.config("blobs")), Nothing()))


def test_two_tasks_in_the_place_of_a_training_are_one_too_many(tmp_path: Path) -> None:
    ended = call(TRAIN, "--experiment", "xor", "--dry-run", "--find-lr", "--outputs", tmp_path)
    assert (ended.code, ended.stderr) == (2, "error: --dry-run and --find-lr do not go together: give one of them\n")


# ---- --profile ---------------------------------------------------------------------------------------------------


def test_a_profile_counts_what_one_can_count_by_hand(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    config = bench.config("blobs", "optimizer=adam")
    profile(bench.prepare(bench.run(config)), steps=4)
    (folder,) = (bench.outputs / "profiles").iterdir()
    assert [path.name for path in bench.outputs.iterdir()] == ["profiles"]
    summary = json.loads((folder / "summary.json").read_text())
    forward = 2 * 8 * 3 * 4 + 2 * 8 * 4 * 2  # 8 examples, layers of 3 x 4 and 4 x 2
    gradients = forward + 2 * 8 * 4 * 2  # of both weights, and of the hidden units
    assert summary["flops_per_step"] == forward + gradients
    assert summary["parameter_bytes"] == 4 * (3 * 4 + 4 + 4 * 2 + 2)
    assert summary["optimizer_bytes"] >= 2 * summary["parameter_bytes"]  # Adam's two moments
    assert summary["examples_per_second"] == pytest.approx(8 / summary["seconds_per_step"])
    assert 2**26 < summary["peak_process_bytes"] < 2**36
    events = json.loads((folder / "trace.json").read_text())["traceEvents"]
    assert sum(event["name"] == "Optimizer.step#Adam.step" for event in events) == 4
    assert "Adam.step" in (folder / "table.txt").read_text()
    assert f"wrote {folder}" in capsys.readouterr().out


def test_a_profile_of_several_steps_in_a_graph_says_that_it_is_of_single_ones(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    for wanted in ("none", "steps"):
        profile(bench.prepare(bench.run(bench.config("blobs", f"trainer.compile={wanted}"))), steps=1)
        said = "without the profiler; trainer.compile=steps is left out: single steps, one by one\n"
        assert (said in capsys.readouterr().out) == (wanted == "steps")


def test_the_profile_tells_the_share_of_the_peak_where_that_is_known(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    for peak, told in (("1e12", True), ("null", False)):
        config = bench.config("blobs", f"hardware.peak_flops={peak}")
        profile(bench.prepare(bench.run(config)), steps=1)
        assert ("% of the peak" in capsys.readouterr().out) == told


def test_the_command_hands_everything_but_its_steps_to_train_py(tmp_path: Path) -> None:
    clone = ToyClone(tmp_path)
    clone.add_chapter("01_toy", {"train.py": "import sys; print(sys.argv[1:])"})
    ended = clone.scratch("profile", "01", "--experiment", "xor", "--steps", "7", "seed=3")
    assert (ended.returncode, ended.stdout) == (
        0,
        "['--profile', '7', '--experiment', 'xor', 'seed=3']\n",
    ), ended.stderr
