"""Processes that are killed at the worst moments, and what is left of them."""

import json
import os
import re
import signal
import time
from pathlib import Path

import pytest

from engine.checkpoint.compare import differences, run_digests
from engine.checkpoint.file import load_checkpoint, save_checkpoint
from tests.doubles.bench import NETWORK, Bench, Outcome
from tests.doubles.scripts import call, finish, start

ROOT = Path(__file__).resolve().parents[3]
CHAOS = ROOT / "tools/chaos/chapter/src/train.py"
pytestmark = pytest.mark.timeout(180)


@pytest.mark.timeout(1800)  # against a hang only: it waits for nothing but the ends of its processes
def test_trainings_that_are_killed_again_and_again_end_with_the_same_bits(tmp_path: Path) -> None:
    arguments = ("--kills", 6, "--seed", 3, "--kind", "adam", "workers")
    environment = {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    ended = finish(start(ROOT / "tools/chaos/resume.py", *arguments, env=environment), seconds=None)
    assert ended.code == 0, ended.stderr
    _, kinds, kills, *_, different = [cell.strip() for cell in ended.stdout.splitlines()[-1].strip("|").split("|")]
    assert (int(kinds) >= 2, kills, different) == (True, "6", "0")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_to_all_processes_of_a_run_with_workers_stops_it_with_a_checkpoint(
    number: int, code: int, tmp_path: Path
) -> None:
    settings = ("--experiment", "workers", "trainer.duration=100000 epochs", "--outputs", tmp_path)
    process = start(CHAOS, *settings, start_new_session=True)
    while not list(tmp_path.glob("models/*/model_last.pt")) and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, number)
    ended = finish(process, seconds=60)
    step = re.findall(r"^error: stopped at step (\d+); go on with", ended.stderr, flags=re.MULTILINE)
    assert (ended.code, len(step)) == (code, 1), ended.stderr
    (checkpoint,) = tmp_path.glob("models/*/model_last.pt")
    assert load_checkpoint(checkpoint)["step"] == int(step[0])


@pytest.mark.parametrize("option", ["--kills", "--jobs"])
def test_none_to_kill_is_refused_in_words(option: str, tmp_path: Path) -> None:
    arguments = {"--kills": 1, "--seed": 3, "--jobs": 1} | {option: 0}
    words = [str(word) for pair in arguments.items() for word in pair]
    ended = call(ROOT / "tools/chaos/resume.py", *words, env={"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)})
    assert ended.code == 2
    assert ended.stderr.endswith(f"error: argument {option}: give 1 or more, not 0\n")
    assert list(tmp_path.iterdir()) == []


def test_a_kill_at_any_call_of_a_write_leaves_the_old_checkpoint_or_the_new_one(tmp_path: Path) -> None:
    ended = call(ROOT / "tests/doubles/killed_writer.py", tmp_path, env={"PYTHONPATH": str(ROOT)})
    assert ended.code == 0, ended.stderr
    attempts = [json.loads(line) for line in ended.stdout.splitlines()]
    calls = [attempt["call"].partition(" at ")[0] for attempt in attempts]
    written = ["fdopen", *["write"] * 5, "fsync", "close", "chmod", "replace", "open", "fsync", "close"]
    assert calls == [*written, ""]  # the last one came through
    steps = [attempt["step"] for attempt in attempts]
    assert steps == [1] * 10 + [2] * 4  # the old one up to the rename, the new one after it


def test_a_kill_at_any_call_of_a_sharded_write_leaves_the_old_checkpoint_or_the_new_one(tmp_path: Path) -> None:
    ended = call(
        "-W", "ignore", ROOT / "tests/doubles/killed_sharded_writer.py", tmp_path, env={"PYTHONPATH": str(ROOT)}
    )
    assert ended.code == 0, ended.stderr
    attempts = [json.loads(line) for line in ended.stdout.splitlines()]
    renamed = [attempt["call"] for attempt in attempts].index("os.rename .model_last-2.dcp.partial_")
    assert renamed > 30 and attempts[-1]["call"] == ""  # the last one came through
    assert [attempt["step"] for attempt in attempts] == [1] * (renamed + 1) + [2] * (len(attempts) - renamed - 1)


def test_the_comparison_sees_a_single_bit(tmp_path: Path) -> None:
    bench = Bench(NETWORK, tmp_path)
    config = bench.config("blobs", "trainer.duration=1 epoch")
    first, second = (bench.train(bench.run(config)) for _ in range(2))
    assert differences(of(first), of(second)) == []

    record = second.run.folders.logs / "metrics.jsonl"
    *rows, last = record.read_text().splitlines()
    record.write_text("\n".join([*rows, json.dumps(json.loads(last) | {"seconds": 9.0})]) + "\n")
    assert differences(of(first), of(second)) == []
    record.write_text("\n".join(rows) + "\n")
    assert differences(of(first), of(second)) == [f"row {len(rows) + 1} of metrics.jsonl"]

    content = second.checkpoint()
    content["optimizers"]["all"]["param_groups"][0]["lr"] *= 1 + 2**-52
    save_checkpoint(second.run.folders.models / "model_last.pt", content)
    assert "optimizers in model_last.pt" in differences(of(first), of(second))


def of(outcome: Outcome) -> dict[str, object]:
    found = run_digests(outcome.run.folders)
    return {name: value for name, value in found.items() if not name.startswith("random")}  # beartype draws too


def test_what_a_killed_write_left_is_gone_after_a_resume(tmp_path: Path) -> None:
    bench = Bench(NETWORK, tmp_path)
    run = bench.run(bench.config("blobs"))

    def fall_over(batch: object) -> object:
        raise TypeError("before the first step is done")

    with pytest.raises(TypeError, match="before the first step"):
        bench.train(run, prepare=lambda model: setattr(model, "training_step", fall_over))
    left = run.folders.models / ".model_last.pt.ab12_x9z"
    left.write_bytes(b"half of a checkpoint")
    bench.go_on(run)
    assert not left.exists()
