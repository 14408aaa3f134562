"""A sweep from its first trial to its table: it prunes, resumes, and survives being killed.

The trainings are a few lines that write a record as train.py does, without its start-up; one sweep is of the real one.
"""

import csv
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cli.sweep.request import Request
from cli.sweep.training import Training, _processes_of, share_of_cores
from tests.doubles.bench import NETWORK, ROOT
from tests.doubles.scripts import Ended, finish, start
from tests.doubles.toy_clone import ToyClone

pytestmark = pytest.mark.timeout(120)

TRAIN = """
import json, pathlib, sys, time
assert "--no-wandb" in sys.argv
outputs = pathlib.Path(sys.argv[sys.argv.index("--outputs") + 1])
settings = dict(argument.split("=") for argument in sys.argv if "=" in argument)
x, is_held = float(settings["x"]), outputs.name[-1] in settings.get("held", "")  # by the number of its trial
if settings.get("bad") == "config" or x == float(settings.get("refused", "nan")):
    sys.exit(print("error: bad is not a known key", file=sys.stderr) or 2)
for kind in ("models", "logs"):
    (outputs / kind / "run").mkdir(parents=True)
with (outputs / "logs/run/metrics.jsonl").open("w") as record:
    for step in range(11):
        if step == 5 and x > float(settings.get("fails_above", "inf")):
            sys.exit(print("error: the loss is nan at step 5", file=sys.stderr) or 1)
        value = "NaN" if x == float(settings.get("spoiled", 0)) else x * step / 10
        row = {"step": step, "epoch": step, "seconds": 0.0, "validation/accuracy": 0.9 if step == 0 else value}
        print(json.dumps(row), file=record, flush=True)
        while step == 5 and is_held:  # until it is ended
            time.sleep(0.01)
(outputs / "models/run/metrics.json").write_text(json.dumps({"status": "finished"}))
"""


@pytest.fixture
def chapter(tmp_path: Path) -> Path:
    script = tmp_path / "01_toy/src/train.py"
    script.parent.mkdir(parents=True)
    script.write_text(TRAIN)
    return tmp_path / "01_toy"


ENDED = ("complete", "pruned")  # which of the two, is decided by how much of a training was seen while it ran


class Sweep:
    """A sweep of the toy chapter, by the process that `scratch sweep` becomes."""

    def __init__(self, chapter: Path, *settings: str, **changes: Any) -> None:
        asked = Request(str(chapter), "xor", "s", settings, "", "", 4, 2, True, False, False)
        self.request = Request(**{**asked.__dict__, **changes})

    def start(self) -> "subprocess.Popen[str]":
        return start("-m", "cli.sweep", self.request.to_json(), cwd=ROOT)

    def run(self) -> Ended:
        return finish(self.start())

    def resumed(self, **changes: Any) -> "Sweep":
        kept = {**self.request.__dict__, "resume": True, "arguments": (), **changes}
        return Sweep(Path(kept.pop("chapter")), **kept)

    def results(self) -> list[dict[str, str]]:
        with (self.request.folder / "results.csv").open() as file:
            return list(csv.DictReader(file))


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_sweep_ends_with_a_table_and_pictures(chapter: Path) -> None:
    sweep = Sweep(chapter, "x=uniform(0,1)", "y=choice(a,b)", trials=5)
    ended = sweep.run()
    assert ended.code == 0, ended.stderr
    results = sweep.results()
    values = [float(row["validation/accuracy"]) for row in results]
    assert len(values) == 5
    assert values == sorted(values, reverse=True)  # best first; step 0, before any training, does not count
    assert values == pytest.approx([float(row["x"]) for row in results])
    assert {row["y"] for row in results} <= {"a", "b"}
    assert ended.stdout.splitlines()[0].split() == ["trial", "state", "validation/accuracy", "x", "y"]
    assert ended.stdout.splitlines()[-1].startswith(f"best: trial {results[0]['trial']}, in ")
    assert len(ended.stderr.splitlines()) == 5  # one line a trial, and no warning
    for name in ("sweep_history.png", "sweep_parameters.png"):
        assert (sweep.request.folder / name).read_bytes().startswith(b"\x89PNG")


def test_a_small_grid_is_gone_through_once_and_a_loss_is_minimised(chapter: Path) -> None:
    sweep = Sweep(chapter, "x=choice(1,2)", "y=choice(a,b,c)", trials=20, metric="validation/accuracy", mode="min")
    assert sweep.run().code == 0
    results = sweep.results()
    assert sorted((row["x"], row["y"]) for row in results) == [(x, y) for x in "12" for y in "abc"]
    assert results[0]["x"] == "1"
    again = sweep.resumed(trials=20).run()
    assert again.code == 0, again.stderr
    assert len(sweep.results()) == 6


def test_a_trial_that_fails_costs_itself_only(chapter: Path) -> None:
    sweep = Sweep(chapter, "x=choice(0.1,0.2,0.3,0.4)", "fails_above=0.25")
    ended = sweep.run()
    assert ended.code == 0, ended.stderr
    assert [(row["x"], row["state"]) for row in sweep.results()] == [
        ("0.2", "complete"),
        ("0.1", "complete"),
        ("0.3", "fail"),
        ("0.4", "fail"),
    ]
    assert ended.stderr.count("failed: the loss is nan at step 5") == 2


def test_a_trial_whose_every_value_is_not_finite_costs_itself_only(chapter: Path) -> None:
    sweep = Sweep(chapter, "x=choice(0.1,0.2)", "spoiled=0.2", jobs=1)
    ended = sweep.run()
    assert ended.code == 0, ended.stderr
    assert [(row["x"], row["state"]) for row in sweep.results()] == [("0.1", "complete"), ("0.2", "fail")]
    assert ended.stderr.count("failed: validation/accuracy was never finite") == 1


def test_where_every_trial_fails_the_last_line_says_why(chapter: Path) -> None:
    ended = Sweep(chapter, "x=choice(0.1,0.2)", "fails_above=0").run()
    assert ended.code == 1
    assert ended.stderr.splitlines()[-1].startswith("error: not one trial of ")
    assert ended.stderr.endswith("the first failed so: the loss is nan at step 5\n")


@pytest.mark.parametrize("values", ["0.1,0.4", "0.4,0.1"])
def test_a_value_that_is_refused_costs_its_trial_only_wherever_it_stands(values: str, chapter: Path) -> None:
    sweep = Sweep(chapter, f"x=choice({values})", "refused=0.1", jobs=1)
    ended = sweep.run()
    assert ended.code == 0, ended.stderr
    assert [(row["x"], row["state"]) for row in sweep.results()] == [("0.4", "complete"), ("0.1", "fail")]
    assert ended.stderr.count("failed: bad is not a known key") == 1


@pytest.mark.parametrize(("trials", "refused"), [(3, 3), (500, 20)])
def test_a_mistake_that_all_trials_are_refused_for_ends_the_sweep_with_its_line(
    trials: int, refused: int, chapter: Path
) -> None:
    sweep = Sweep(chapter, "x=uniform(0,1)", "bad=config", trials=trials, jobs=1)
    ended = sweep.run()
    *said, error = ended.stderr.splitlines()
    assert (ended.code, len(said), error) == (2, refused, "error: trial 0: bad is not a known key")
    assert not sweep.request.folder.exists()  # its name is free for the next attempt


def test_trainings_at_a_time_share_the_cores(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert share_of_cores(3, ["seed=1"]) == {"OMP_NUM_THREADS": "2"}
    assert share_of_cores(100, ["seed=1"]) == {"OMP_NUM_THREADS": "1"}
    assert share_of_cores(1, ["seed=1"]) == {}
    assert share_of_cores(3, ["hardware.threads=4"]) == {}
    script = tmp_path / "train.py"
    script.write_text("import os; print(os.environ['OMP_NUM_THREADS'])")
    training = Training(script, [], tmp_path / "trial", share_of_cores(3, []))
    training.kill_after(time.monotonic() + 60)
    assert (tmp_path / "trial/output.log").read_text() == "2\n"
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert share_of_cores(3, ["seed=1"]) == {}


def test_an_unknown_metric_ends_the_sweep_with_those_there_are(chapter: Path) -> None:
    ended = Sweep(chapter, "x=uniform(0,1)", metric="train/accuracy").run()
    assert ended.code == 2
    assert ended.stderr.endswith("recorded no train/accuracy; recorded are: validation/accuracy\n")


def test_a_hopeless_trial_is_pruned(chapter: Path) -> None:
    sweep = Sweep(chapter, "x=choice(0.9,0.8,0.7,0.6,0.5,0.1)", "held=5", jobs=1, trials=6)
    ended = sweep.run()
    assert ended.code == 0, ended.stderr
    last = sweep.results()[-1]
    assert (last["x"], last["state"], last["validation/accuracy"]) == ("0.1", "pruned", "")
    record = sweep.request.folder / "trials/0005/logs/run/metrics.jsonl"
    assert len(record.read_text().splitlines()) < 11


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_sweep_leaves_no_training_behind_and_goes_on(
    chapter: Path, number: signal.Signals, code: int
) -> None:
    sweep = Sweep(chapter, "x=uniform(0,1)", "held=23", trials=4)
    process = sweep.start()
    trials = sweep.request.folder / "trials"
    wait_for(lambda: len(list(trials.glob("*/logs/run/metrics.jsonl"))) == 4)
    process.send_signal(number)
    ended = finish(process)
    assert ended.code == code
    assert ended.stderr.splitlines()[-1].endswith("trials; go on with --resume")
    assert _processes_of(trials) == []
    again = sweep.resumed().run()
    assert again.code == 0, again.stderr
    assert [row["state"] in ENDED for row in sweep.results()] == [True] * 4


def test_a_killed_sweep_goes_on_as_if_nothing_had_been(chapter: Path) -> None:
    sweep = Sweep(chapter, "x=uniform(0,1)", "held=23", trials=6)
    process, trials = sweep.start(), sweep.request.folder / "trials"
    wait_for(lambda: len(list(trials.glob("*/logs/run/metrics.jsonl"))) == 4)
    process.kill()
    process.communicate()
    journal = sweep.request.folder / "journal.log"
    before = [json.loads(line) for line in journal.read_text().splitlines()]
    with journal.open("a") as file:
        file.write('{"op_code":6,"worker')  # cut short by the kill
    os.symlink(journal, f"{journal}.lock")  # held by the killed process
    again = sweep.resumed().run()
    assert again.code == 0, again.stderr
    after = [json.loads(line) for line in journal.read_text().splitlines()]
    assert after[: len(before)] == before
    results = sweep.results()
    assert [row["state"] in ENDED for row in results] == [True] * 6
    assert len({row["x"] for row in results}) == 6  # and none was drawn twice
    assert _processes_of(trials) == []


def test_a_small_grid_that_is_killed_twice_is_still_gone_through_once(chapter: Path) -> None:
    sweep = Sweep(chapter, "x=choice(1,2)", "y=choice(a,b)", "held=0123")
    records = chapter / "outputs/sweeps/s/trials"
    for again in (sweep, sweep.resumed()):
        process, wanted = again.start(), len(list(records.glob("*"))) + 2
        wait_for(partial(lambda count: len(list(records.glob("*/logs/run/metrics.jsonl"))) == count, wanted))
        process.kill()
        process.communicate()
    ended = sweep.resumed().run()
    assert ended.code == 0, ended.stderr
    assert sorted((row["x"], row["y"]) for row in sweep.results()) == [(x, y) for x in "12" for y in "ab"]


def test_two_processes_do_not_run_one_sweep(chapter: Path) -> None:
    sweep = Sweep(chapter, "x=uniform(0,1)", "held=01", trials=2)
    process = sweep.start()
    wait_for(lambda: (sweep.request.folder / "sweep.json").exists())
    second = sweep.resumed().run()
    assert second.code == 2
    assert second.stderr.startswith("error: another process is at work on the sweep in ")
    process.terminate()
    assert finish(process).code == 143


def test_the_real_training_is_swept(tmp_path: Path) -> None:
    shutil.copytree(NETWORK, tmp_path / "90_logistic", ignore=shutil.ignore_patterns("__pycache__", "outputs"))
    settings = ("optimizer.lr=log(1e-3,1)", "model.hidden=choice(4,8)", "tracking.tensorboard=false")
    sweep = Sweep(tmp_path / "90_logistic", *settings, experiment="blobs", trials=2)
    ended = sweep.run()
    assert ended.code == 0, ended.stderr
    for row in sweep.results():
        (saved,) = (sweep.request.folder / "trials" / f"{int(row['trial']):04d}").glob("models/*/config.yaml")
        assert f"lr: {row['optimizer.lr']}\n" in saved.read_text()


def test_the_command_checks_before_it_installs_anything(tmp_path: Path) -> None:
    clone = ToyClone(tmp_path)
    clone.add_chapter("01_toy")
    for arguments, part in {
        ("x=lgo(1,2)",): "did you mean 'log'",
        (): "nothing varies",
        ("x=log(1,2)", "--name", "../up"): "use letters, digits",
        ("x=log(1,2)", "--resume"): "there is no sweep",
    }.items():
        ended = clone.scratch("sweep", "01", "--experiment", "xor", *arguments)
        assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1), ended.stderr
        assert part in ended.stderr
