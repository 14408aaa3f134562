"""`scratch checkpoints`: what is there, what is whole, and that pruning loses nothing."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from engine import Run
from tests.doubles.bench import NETWORK, Bench, Outcome
from tests.doubles.scripts import COMMAND, READY, Ended, call
from tests.doubles.toy_clone import REPOSITORY, ToyClone

HOLD = """
import pathlib, sys, time, utils.locks
with utils.locks.ProcessLock(pathlib.Path(sys.argv[1]), "it"):
    print("held", flush=True)
    time.sleep(60)
"""
pytestmark = pytest.mark.timeout(120)


@pytest.fixture(autouse=True)
def tidy() -> Iterator[None]:
    yield
    torch.set_deterministic_debug_mode("default")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(NETWORK, tmp_path / "outputs")


@pytest.fixture
def finished(bench: Bench) -> Outcome:
    return bench.train(bench.run(bench.config("blobs", "trainer.duration=1 epoch")))


@pytest.fixture
def stopped(bench: Bench) -> Outcome:
    run = bench.run(bench.config("blobs"))

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.train(run, prepare=lambda model: setattr(model, "measures", stop))
    (run.folders.models / "model_last.pt").write_bytes(b"half")
    return Outcome(run)


def checkpoints(bench: Bench, what: str, *arguments: object) -> Ended:
    return call(*COMMAND, "checkpoints", what, "01", "--outputs", bench.outputs, *arguments, env=READY)


def pt_files(outcome: Outcome) -> list[str]:
    return sorted(path.name for path in outcome.run.folders.models.iterdir() if ".pt" in path.name)


def test_every_checkpoint_is_listed(bench: Bench, finished: Outcome) -> None:
    ended = checkpoints(bench, "list")
    assert ended.code == 0, ended.stderr
    rows = [line.split()[:4] for line in ended.stdout.splitlines()[2:]]
    run_id = finished.run.run_id
    assert rows == [[run_id, "finished", "model_best.pt", "6"], [run_id, "finished", "model_last.pt", "6"]]


def test_damage_is_named_and_changes_the_exit_code(bench: Bench, finished: Outcome) -> None:
    assert checkpoints(bench, "verify", "latest").code == 0
    path = finished.run.folders.models / "model_last.pt"
    path.write_bytes(path.read_bytes()[:-50])
    ended = checkpoints(bench, "verify")
    assert ended.code == 1
    assert ended.stderr == f"error: checkpoint {path} is damaged or cut short; name another checkpoint or train again\n"
    assert "damaged" in ended.stdout


def test_pruning_asks_first(bench: Bench, finished: Outcome) -> None:
    for arguments, code in ((("--dry-run",), 0), ((), 2)):
        ended = checkpoints(bench, "prune", *arguments)
        assert (ended.code, ended.stderr.count("\n")) == (code, code // 2)
        assert ended.stdout.startswith(f"{finished.run.folders.models / 'model_last.pt'}\n")
        assert pt_files(finished) == ["model_best.pt", "model_last.pt"]


def test_pruning_leaves_the_best_of_a_finished_run_and_all_of_any_other(
    bench: Bench, finished: Outcome, stopped: Outcome
) -> None:
    for outcome in (finished, stopped):
        (outcome.run.folders.models / ".model_last.pt.ab12_x9z").touch()
    assert checkpoints(bench, "prune", "--yes").code == 0
    assert pt_files(finished) == ["model_best.pt"]
    assert pt_files(stopped) == ["model_last.pt"]
    assert checkpoints(bench, "prune", "--yes").stdout == "nothing to delete\n"


@pytest.mark.parametrize(("damaged", "left"), [(1, ["model_last.pt"]), (2, ["model_best.pt", "model_last.pt"])])
def test_pruning_never_deletes_the_last_good_one(
    bench: Bench, finished: Outcome, damaged: int, left: list[str]
) -> None:
    for name in ("model_best.pt", "model_last.pt")[:damaged]:
        (finished.run.folders.models / name).write_bytes(b"not what it was")
    assert checkpoints(bench, "prune", "--yes").code == 0
    assert pt_files(finished) == left


@contextmanager
def held(run: Run) -> Iterator[None]:
    """Within this, another process is at work on `run`."""
    lock = run.folders.models / ".lock"
    process = subprocess.Popen([sys.executable, "-c", HOLD, lock], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    try:
        yield
    finally:
        process.kill()
        process.communicate()


def test_a_run_at_work_is_left_alone(bench: Bench, finished: Outcome) -> None:
    with held(finished.run):
        assert checkpoints(bench, "prune", "--yes").stdout == "nothing to delete\n"


@pytest.mark.parametrize(
    "written", [(), ("environment.json",), ("environment.json", "metrics.json", ".config.yaml.ab12_x9z")]
)
def test_a_run_that_was_killed_before_it_had_a_config_is_pruned_away(written: tuple[str, ...], bench: Bench) -> None:
    run = bench.run(bench.config("blobs"))
    for folder in (run.folders.models, run.folders.logs):
        folder.mkdir(parents=True)
    for name in written:
        (run.folders.models / name).touch()
    (run.folders.logs / "train.log").touch()
    with held(run):
        assert checkpoints(bench, "prune", "--yes").code == 2  # it may be about to begin
    ended = checkpoints(bench, "prune", "--yes")
    assert (ended.code, ended.stdout.splitlines()[:-1]) == (0, [str(run.folders.models), str(run.folders.logs)])
    assert list(bench.outputs.glob("*/*")) == []


def test_a_folder_with_anything_else_in_it_is_not_ours_to_prune(bench: Bench, finished: Outcome) -> None:
    mine = bench.outputs / "models/mine"
    mine.mkdir()
    for name in ("metrics.json", "notes.txt"):
        (mine / name).touch()
    assert "mine" not in checkpoints(bench, "prune", "--yes").stdout
    assert sorted(path.name for path in mine.iterdir()) == ["metrics.json", "notes.txt"]


def test_an_empty_place_is_one_line(bench: Bench) -> None:
    for what in ("list", "verify", "prune"):
        ended = checkpoints(bench, what)
        assert (ended.code, ended.stdout) == (2, "")
        assert ended.stderr == f"error: there are no runs in {bench.outputs / 'models'}\n"


def test_the_command_looks_in_the_chapter_with_its_environment(tmp_path: Path, finished: Outcome) -> None:
    clone = ToyClone(tmp_path / "clone")
    folder = clone.add_chapter("01_toy")
    for package in ("engine", "data_utils"):
        (clone.root / package).symlink_to(REPOSITORY / package)
    assert clone.scratch("checkpoints", "list", "01").stderr == (
        f"error: there are no runs in {folder / 'outputs/models'}\n"
    )
    os.rename(finished.run.outputs, folder / "outputs")
    assert finished.run.run_id in clone.scratch("checkpoints", "verify", "01", "latest").stdout
    assert clone.scratch("checkpoints", "prune", "01", "--yes").stdout.endswith("MB\n")
    assert clone.scratch("checkpoints", "verify", "1", "--outputs", str(tmp_path)).returncode == 2
    assert "did you mean 'prune'" in clone.scratch("checkpoints", "prine", "01").stderr
