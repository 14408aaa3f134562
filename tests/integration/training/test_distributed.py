"""Trainings by several processes, launched as their users launch them, come to what one process comes to."""

import json
import re
import shutil
import signal
import time
from pathlib import Path

import pytest
from torch import Tensor

from engine.checkpoint.compare import differences, run_digests
from engine.checkpoint.content import load_whole
from engine.checkpoint.resolve import newest_checkpoint
from engine.runs.metrics_log import read_rows
from engine.runs.run import Folders, run_ids
from tests.doubles.bench import NETWORK, ROOT, Bench
from tests.doubles.scripts import COMMAND, READY, Ended, call, start

pytestmark = pytest.mark.timeout(300)

TRAIN, EVALUATE = NETWORK / "src/train.py", NETWORK / "src/evaluate.py"
CHAOS = ROOT / "tools/chaos/chapter/src/train.py"
SETTINGS = ("--no-wandb", "model.dropout=0.0", "trainer.ema_decay=0.9", "trainer.clip_norm=0.5", "optimizer=adam")
# 48 examples in batches of 47, two to a step: the second batch has one example, for two or three ranks
RAGGED = ("--experiment", "blobs", *SETTINGS, "trainer.batch_size=47", "trainer.accumulate=2")
STEADY = ("--experiment", "blobs", *SETTINGS, "trainer.duration=8 epochs", "trainer.checkpoint.every=5 steps")
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def torchrun(ranks: int) -> tuple[str, ...]:
    return "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks)


def launch(ranks: int, script: Path, *arguments: object, **env: str) -> Ended:
    """By torchrun, or as one process where `ranks` is 0."""
    command = (*(torchrun(ranks) if ranks else ()), script, *arguments)
    process = start(*command, env=ENVIRONMENT | env)
    stdout, stderr = process.communicate(timeout=200)
    return Ended(process.returncode, stdout, stderr)


def folders(outputs: Path) -> Folders:
    (run,) = run_ids(outputs)
    return Folders.of(outputs, run)


def weights(outputs: Path) -> dict[str, Tensor]:
    path = newest_checkpoint(folders(outputs).models)
    assert path is not None
    content = load_whole(path)
    return {f"{part}/{name}": value for part in ("model", "average") for name, value in content[part].items()}


def figures(outputs: Path) -> list[dict[str, float]]:
    return read_rows(folders(outputs).logs / "metrics.jsonl")


def status(outputs: Path) -> str:
    return str(json.loads((folders(outputs).models / "metrics.json").read_text())["status"])


def assert_same(outputs: Path, expected: Path) -> None:
    ours, theirs = weights(outputs), weights(expected)
    assert ours.keys() == theirs.keys()
    assert max(float((ours[name] - theirs[name]).abs().max()) for name in ours) <= 1e-5
    rows, wanted = figures(outputs), figures(expected)
    assert [row.keys() for row in rows] == [row.keys() for row in wanted]
    pairs = [(name, row[name], other[name]) for row, other in zip(rows, wanted, strict=True) for name in row]
    far = [name for name, value, other in pairs if abs(value - other) > 1e-4]
    assert [name for name in far if name != "seconds" and not name.startswith("speed/")] == []


def errors(ended: Ended) -> list[str]:
    return re.findall(r"^error: .*$", ended.stderr, flags=re.MULTILINE)


def test_what_two_ranks_do_together_is_what_one_process_does(tmp_path: Path) -> None:
    base = tmp_path / "base.json"
    config = Bench(NETWORK, tmp_path).config("blobs").model_dump(mode="json")
    base.write_text(json.dumps(config | {"model": {}}))
    (tmp_path / "sharded").mkdir()
    ended = launch(2, ROOT / "tests/doubles/two_ranks.py", tmp_path / "sharded", base)
    assert ended.code == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert len(found) >= 7
    assert {name: problems for name, problems in found.items() if problems} == {}


def test_a_run_of_two_ranks_leaves_what_a_run_of_one_process_leaves(tmp_path: Path) -> None:
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    # the strategy alone does not make several processes: that is said, and one trains
    ended = launch(0, TRAIN, *RAGGED, "hardware=ddp", "--outputs", alone)
    assert ended.code == 0, ended.stderr
    assert "this is one process, which trains alone; for more: torchrun" in ended.stderr
    ended = launch(2, TRAIN, *RAGGED, "hardware=ddp", "--visualize", "--outputs", shared)
    assert ended.code == 0, ended.stderr
    assert_same(shared, alone)
    assert ended.stdout.count(" finished") == 1
    assert ended.stderr.count(": A small network tells two clouds of points apart.") == 1
    left = {path.name for path in folders(shared).models.iterdir()}
    assert left == {path.name for path in folders(alone).models.iterdir()}
    assert len(list(folders(shared).logs.glob("events.*"))) == 1
    assert (folders(shared).visualizations / "learning_curve.png").exists()


def test_a_split_run_goes_on_with_any_number_of_ranks(tmp_path: Path) -> None:
    """One rank gets a signal; all stop at the same step, and one, two or three ranks finish what two began."""
    unbroken, stopped = tmp_path / "unbroken", tmp_path / "stopped"
    assert launch(0, TRAIN, *STEADY, "--outputs", unbroken).code == 0
    ended = launch(2, ROOT / "tests/doubles/fate.py", *STEADY, "hardware=fsdp", "--outputs", stopped, FATE="signal")
    assert ended.stderr.count("exitcode  : 143") == 2, ended.stderr
    assert [line for line in errors(ended) if re.search(r"stopped at step \d+; go on with", line)] == errors(ended)
    assert (len(errors(ended)), status(stopped)) == (1, "interrupted")
    (sharded,) = folders(stopped).models.glob("model_last*")
    assert sharded.suffix == ".dcp"

    checked = call(*COMMAND, "checkpoints", "verify", "01", "--outputs", stopped, env=ENVIRONMENT | READY)
    assert (checked.code, sharded.name in checked.stdout) == (0, True)
    started = launch(0, TRAIN, *STEADY, "--load-checkpoint", sharded, "--dry-run", "--outputs", tmp_path / "other")
    assert started.code == 0, started.stderr
    for ranks in (0, 2, 3):
        copy = tmp_path / f"by-{ranks}"
        shutil.copytree(stopped, copy)
        ended = launch(ranks, TRAIN, "--resume", "latest", "--outputs", copy)
        assert ended.code == 0, ended.stderr
        assert_same(copy, unbroken)
        assert {path.name for path in folders(copy).models.iterdir() if "model" in path.name} == {
            "model_best.pt",
            "model_last.pt",
        }
    evaluated = launch(0, EVALUATE, "--checkpoint", sharded, "--experiment", "blobs", "--outputs", stopped)
    assert evaluated.code == 0, evaluated.stderr


def test_a_split_run_of_which_a_rank_was_killed_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    """Rank 1 is killed in step 5, while the checkpoint of step 4 is under way; a best one is not there yet."""
    settings = (*STEADY, "trainer.duration=2 epochs", "trainer.checkpoint.every=2 steps", "hardware=fsdp")
    unbroken, killed = tmp_path / "unbroken", tmp_path / "killed"
    assert launch(2, TRAIN, *settings, "--outputs", unbroken).code == 0
    ended = launch(2, ROOT / "tests/doubles/fate.py", *settings, "--outputs", killed, FATE="death")
    assert (ended.code, status(killed)) == (1, "failed")
    (sharded,) = folders(killed).models.glob("model_*")
    assert sharded.name in ("model_last-2.dcp", "model_last-4.dcp")
    ended = launch(2, TRAIN, "--resume", "latest", "--outputs", killed)
    assert ended.code == 0, ended.stderr
    assert differences(run_digests(folders(killed)), run_digests(folders(unbroken))) == []


@pytest.mark.parametrize("of", [(TRAIN, *STEADY), (CHAOS, "--experiment", "workers")], ids=["memory", "workers"])
def test_torchrun_that_is_told_to_stop_leaves_a_checkpoint(of: tuple[object, ...], tmp_path: Path) -> None:
    settings = ("hardware=ddp", "hardware.device=cpu", "trainer.duration=100000 epochs", "--outputs", tmp_path)
    process = start(*torchrun(2), *of, *settings, env=ENVIRONMENT)
    while not list(tmp_path.glob("models/*/model_last.pt")) and process.poll() is None:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    stdout, stderr = process.communicate(timeout=100)
    ended = Ended(process.returncode, stdout, stderr)
    (error,) = errors(ended)
    step = int(re.findall(r"stopped at step (\d+); go on with", error)[0])
    path = newest_checkpoint(folders(tmp_path).models)
    assert path is not None and load_whole(path)["step"] == step
    assert status(tmp_path) == "interrupted"


@pytest.mark.parametrize(
    ("fate", "strategy", "message"),
    [
        ("error", "fsdp", "error: rank 1 has had enough"),
        ("nan", "ddp", "error: the loss is nan at step 5: .* step 5 was on training examples"),
        ("death", "ddp", "error: rank 0 lost contact with another process of the run"),
    ],
)
def test_what_ends_one_rank_ends_all_with_one_message(fate: str, strategy: str, message: str, tmp_path: Path) -> None:
    script = ROOT / "tests/doubles/fate.py"
    ended = launch(2, script, *STEADY, f"hardware={strategy}", "--outputs", tmp_path, FATE=fate)
    assert ended.code == 1
    assert [re.match(message, line) is not None for line in errors(ended)] == [True], ended.stderr
    assert status(tmp_path) == "failed"


def test_several_processes_without_a_strategy_are_refused_once(tmp_path: Path) -> None:
    ended = launch(2, TRAIN, *STEADY, "--outputs", tmp_path)
    (error,) = errors(ended)
    assert "torchrun started 2 processes, but hardware.strategy is none: add hardware=ddp or hardware=fsdp" in error
    assert list(tmp_path.iterdir()) == []
    assert ended.code == 1 and "exitcode  : 2" in ended.stderr


def test_launches_end_with_0(tmp_path: Path) -> None:
    arguments = ("--launches", 2, "--ranks", 2)
    process = start(ROOT / "tools/chaos/launches.py", *arguments, env=ENVIRONMENT | {"TMPDIR": str(tmp_path)})
    stdout, stderr = process.communicate(timeout=250)
    assert (process.returncode, stdout.splitlines()[-1]) == (0, "| all | 2 | 2 |"), stderr
