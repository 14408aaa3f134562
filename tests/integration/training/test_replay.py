"""`scratch replay`: a run made again is the same to the last bit, and what is not is named."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.runs.run import run_ids
from tests.doubles.bench import NETWORK
from tests.doubles.scripts import READY, Ended, call
from tests.doubles.toy_clone import REPOSITORY, ToyClone

pytestmark = pytest.mark.timeout(120)

TRAIN = NETWORK / "src/train.py"
REPLAY = """
import sys
from pathlib import Path
from cli.commands.train.replay import command
from project.chapters import Project
from utils.terminal.run import run_command
command.context_settings["obj"] = Project(Path(sys.argv.pop(1)))
run_command(command)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outputs of a finished run."""
    outputs = tmp_path_factory.mktemp("made")
    os.environ["SCRATCH_DATA_DIR"] = str(tmp_path_factory.mktemp("data"))
    ended = call(TRAIN, "--experiment", "blobs", "--no-wandb", "--outputs", outputs, "seed=5")
    assert ended.code == 0, ended.stderr
    return outputs


@pytest.fixture
def outputs(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "outputs"))


def models(outputs: Path) -> Path:
    (folder,) = (outputs / "models").iterdir()
    return folder


def replay(run: Path) -> Ended:
    """What `scratch replay RUN` says where the chapters are those of the tests."""
    root = run.parents[1] / "clone"
    root.mkdir()
    (root / "models").symlink_to(NETWORK.parent)
    return call("-P", "-c", REPLAY, root, run, env=READY)


def change(path: Path, **changes: Any) -> None:
    content = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps({name: value for name, value in content.items() if value is not None}), encoding="utf-8")


def test_a_replay_is_the_same_to_the_last_bit(outputs: Path) -> None:
    ended = replay(models(outputs))
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.stdout.endswith(f"parts of run {models(outputs).name} are the same to the last bit\n")
    assert "differs" not in ended.stdout


@pytest.mark.parametrize(
    "how",
    [
        ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", TRAIN, "hardware=ddp"),
        (TRAIN, "--seeds", "5,6", "model.dropout=0.0"),
    ],
    ids=["two ranks", "two seeds together"],
)
def test_a_run_is_replayed_with_the_processes_and_the_seeds_that_it_had(
    how: tuple[object, ...], tmp_path: Path
) -> None:
    """One process, or one seed alone, comes to other last digits."""
    ended = call(
        *how, "--experiment", "blobs", "--no-wandb", "--outputs", tmp_path, env={"PYTHONPATH": str(REPOSITORY)}
    )
    assert ended.code == 0, ended.stderr
    run_id = run_ids(tmp_path)[-1]
    ended = replay(tmp_path / "models" / run_id)
    assert (ended.code, "differs" in ended.stdout) == (0, False), ended.stdout + ended.stderr


def test_what_differs_is_named_and_so_are_other_versions(outputs: Path) -> None:
    environment = models(outputs) / "environment.json"
    noted = json.loads(environment.read_text())
    packages, hardware = noted["packages"], noted["hardware"]
    resumed = {"step": 5, **noted, "packages": packages | {"torch": "1.0"}, "git": {}}
    resumed["hardware"] = hardware | {"threads": 7}
    change(environment, packages=packages | {"torch": "1.0"}, git={}, resumed=[resumed])
    record = outputs / "logs" / models(outputs).name / "metrics.jsonl"
    record.write_text(record.read_text().replace('"train/accuracy": ', '"train/accuracy": 1', 1))
    (models(outputs) / "model_last.pt").unlink()  # pruned, say
    ended = replay(models(outputs))
    assert ended.code == 1
    assert ended.stdout.splitlines()[:-1] == ["differs: row 1 of metrics.jsonl"]
    assert f"warning: torch was 1.0, is {packages['torch']}\n" in ended.stderr
    assert "warning: commit was absent, is " in ended.stderr
    assert f"from step 5 on, threads was {hardware['threads']}, is 7; all is replayed as it began\n" in ended.stderr


def test_a_run_that_did_not_finish_is_refused_in_one_line(outputs: Path) -> None:
    change(models(outputs) / "metrics.json", status="running")
    ended = replay(models(outputs))
    assert (ended.code, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert "did not finish (it is running)" in ended.stderr


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"command": ["python", "cli/__main__.py"]},
            "cli/__main__.py and not by a train",
        ),
        ({"command": None}, "environment.json: command is missing"),
        ({"command": ["python"]}, "environment.json: command: list should have at least 2 items"),
        ({"hardware": None}, "environment.json: hardware is missing"),
        ({"hardware": {"device": "cpu"}}, "environment.json: hardware.threads is missing"),
        ({"hardware": {"device": "cpu", "threads": 2_000_000}}, "hardware.threads: input should be less than or equal"),
        ({"hardware": {"device": "a toaster", "threads": 1}}, "environment.json: hardware.device: "),
        ({"environment": {"LD_PRELOAD": "/tmp/mine.so"}}, "environment.json: environment.LD_PRELOAD"),
        (
            {"hardware": {"device": "cuda", "threads": 1}},
            " is cuda, but this machine has only cpu; use a machine that has it",
        ),
    ],
)
def test_a_run_that_its_files_do_not_tell_all_of_is_refused(
    outputs: Path, changes: dict[str, Any], reason: str
) -> None:
    change(models(outputs) / "environment.json", **changes)
    ended = replay(models(outputs))
    assert (ended.code, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert reason in ended.stderr


@pytest.mark.parametrize("name", ["environment.json", "metrics.json"])
@pytest.mark.parametrize("content", ["[]", "{}", "[" * 100_000])
def test_a_file_that_is_not_what_its_name_says_is_refused_in_one_line(outputs: Path, name: str, content: str) -> None:
    (models(outputs) / name).write_text(content)
    ended = replay(models(outputs))
    assert (ended.code, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert name in ended.stderr


def test_a_replay_that_fails_says_why_in_one_line(outputs: Path) -> None:
    (models(outputs) / "config.yaml").write_text("goal: none\n")
    ended = replay(models(outputs))
    assert (ended.code, ended.stdout, ended.stderr.count("error: ")) == (1, "", 1)
    assert "error: the replay failed: " in ended.stderr


@pytest.fixture
def clone(tmp_path: Path) -> ToyClone:
    """A clone whose chapter 90 is the one that made the run."""
    clone = ToyClone(tmp_path / "clone")
    folder = clone.add_chapter("90_logistic")
    for package in ("engine", "data_utils", "config"):
        (clone.root / package).symlink_to(REPOSITORY / package)
    for name in ("src", "config"):
        shutil.rmtree(folder / name)
        shutil.copytree(NETWORK / name, folder / name)
    return clone


def test_the_command_finds_the_chapter_of_a_run(clone: ToyClone, outputs: Path) -> None:
    run_id = models(outputs).name
    os.rename(outputs, clone.root / "models/90_logistic/outputs")
    done = clone.scratch("replay", run_id)
    assert done.returncode == 0, done.stdout + done.stderr
    assert clone.scratch("replay", run_id[:-1]).stderr.endswith(f"did you mean '{run_id}'?\n")


def test_the_command_takes_a_folder_or_other_outputs(clone: ToyClone, outputs: Path) -> None:
    run_id = models(outputs).name
    change(models(outputs) / "metrics.json", status="running")  # enough to see that it was found
    for arguments in ((str(models(outputs)),), (run_id, "--outputs", str(outputs)), ("latest", "--outputs", outputs)):
        done = clone.scratch("replay", *map(str, arguments))
        assert done.stderr.splitlines()[-1].startswith(f"error: run {run_id} did not finish"), done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("logs",), "logs is not the folder of a finished run: it has no metrics.json that says so"),
        (("blobs-5", "--outputs", "."), "there is no run 'blobs-5' in /"),
        (("blobs-5",), "there is no run 'blobs-5' in the outputs of the chapters (give its folder, or --outputs)"),
    ],
)
def test_what_is_no_run_is_refused_in_one_line(
    clone: ToyClone, outputs: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = clone.scratch("replay", *arguments, cwd=outputs)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert message in done.stderr
