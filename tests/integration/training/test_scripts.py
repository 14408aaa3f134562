"""The scripts of a chapter as processes: streams, signals, exit codes, and what they import."""

import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import Run
from engine.runs.run import read_summary
from experiment.compose import read_config
from tests.doubles.bench import NETWORK, PERCEPTRON, Bench, Outcome
from tests.doubles.scripts import EVALUATE, TRAIN, Ended, call, finish, start
from tests.doubles.toy_clone import REPOSITORY

pytestmark = pytest.mark.timeout(120)

# 1280 steps, and a checkpoint every 50: long enough to be stopped, over in a second or two.
LONG = ("--experiment", "iris-hard", "--no-wandb", "trainer.duration=160 epochs", "trainer.checkpoint.every=50 steps")


@pytest.fixture(scope="module", autouse=True)
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["SCRATCH_DATA_DIR"] = str(tmp_path_factory.mktemp("data"))


def runs_in(outputs: Path) -> list[str]:
    return sorted(path.name for path in (outputs / "models").glob("*"))


def outcome_of(outputs: Path) -> Outcome:
    """The only run under `outputs`."""
    (run_id,) = runs_in(outputs)
    config = Bench(PERCEPTRON, outputs).config("xor")
    saved = read_config(outputs / "models" / run_id / "config.yaml", [], type(config.model))
    return Outcome(Run(PERCEPTRON, saved, outputs, run_id=run_id))


def wait_for(condition: Callable[[], object], process: "subprocess.Popen[str]") -> None:
    while not condition():
        assert process.poll() is None, finish(process)
        time.sleep(0.005)


# ---- what goes where ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def xor(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    """A finished run of a few epochs, and where it is."""
    outputs = tmp_path_factory.mktemp("xor")
    short = ("--epochs", 5, "--seed", 3, "--tags", "night, cold", "--no-wandb", "--outputs", outputs)
    return outputs, call(TRAIN, "--experiment", "xor", *short, "--plot", "decision_boundary", "model.learning_rate=0.5")


def test_results_go_to_stdout_and_the_narrative_to_stderr_and_the_log(xor: tuple[Path, Ended]) -> None:
    outputs, ended = xor
    assert ended.code == 0
    outcome = outcome_of(outputs)
    assert ended.stdout.splitlines()[0] == f"run {outcome.run.run_id} finished"
    accuracy = outcome.summary["last"]["train/accuracy"]
    assert re.search(rf"^  train/accuracy +{accuracy:.4g}$", ended.stdout, re.MULTILINE)
    narrative = ended.stderr.splitlines()
    assert narrative[0] == f"run {outcome.run.run_id}: {outcome.run.config.goal}"
    assert "training for 5 steps of 4 examples of 4" in narrative
    for line in narrative:
        assert f" INFO    {line}\n" in outcome.narrative
    assert "\r" not in ended.stderr  # no bar where nobody looks


def test_flags_end_up_in_the_config(xor: tuple[Path, Ended]) -> None:
    config = outcome_of(xor[0]).run.config
    assert config.seed == 3
    assert config.tags == ("night", "cold")
    assert str(config.trainer.duration) == "5 epochs"
    assert not config.tracking.wandb.enabled
    assert config.model.learning_rate == 0.5


def test_a_chosen_plot_is_drawn(xor: tuple[Path, Ended]) -> None:
    (picture,) = outcome_of(xor[0]).run.folders.visualizations.iterdir()
    assert picture.name == "decision_boundary.png"
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_evaluate_prints_what_it_writes(xor: tuple[Path, Ended]) -> None:
    outputs, _ = xor
    ended = call(EVALUATE, "--experiment", "xor", "--checkpoint", "latest", "--outputs", outputs)
    assert ended.code == 0
    accuracy = outcome_of(outputs).summary["best"]["value"]
    title, *figures = ended.stdout.splitlines()
    assert title == "xor, train split, 4 examples"
    assert f"accuracy {accuracy:.4f}" in [" ".join(line.split()) for line in figures]
    assert "xor has no test split; evaluating on train" in ended.stderr
    assert (outcome_of(outputs).run.folders.models / "evaluation-xor.json").exists()


def test_a_saved_config_replays_the_run_to_the_last_bit(xor: tuple[Path, Ended], tmp_path: Path) -> None:
    original = outcome_of(xor[0])
    ended = call(TRAIN, "--config", original.run.folders.models / "config.yaml", "--outputs", tmp_path)
    assert ended.code == 0
    replay = outcome_of(tmp_path)
    assert replay.run.config.model_dump() == original.run.config.model_dump()
    assert replay.fingerprint() == original.fingerprint()


def test_the_dummy_chapter_trains_and_evaluates_by_its_scripts(tmp_path: Path) -> None:
    place = ("--experiment", "blobs", "--outputs", tmp_path)
    trained = call(NETWORK / "src/train.py", *place, "--no-wandb", "--visualize")
    assert trained.code == 0, trained.stderr
    evaluated = call(NETWORK / "src/evaluate.py", *place, "--checkpoint", runs_in(tmp_path)[0], "--visualize")
    assert evaluated.code == 0, evaluated.stderr
    assert evaluated.stdout.startswith("blobs, test split, 16 examples\n")
    pictures = (tmp_path / "visualizations" / runs_in(tmp_path)[0]).iterdir()
    assert {path.name for path in pictures} == {"learning_curve.png", "evaluation_learning_curve.png"}


@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&-", "<&- >&- 2>&-"])
def test_a_stream_that_is_closed_is_no_obstacle(closed: str, tmp_path: Path) -> None:
    short = ("--experiment", "and", "--epochs", 2, "--no-wandb", "--outputs", tmp_path)
    evaluated = ("--experiment", "and", "--checkpoint", "latest", "--outputs", tmp_path)
    for script, arguments in ((TRAIN, short), (EVALUATE, evaluated)):
        ended = shell(f"{command_line(script, *arguments)} {closed}")
        assert ended.returncode == 0, ended.stderr
    assert outcome_of(tmp_path).summary["status"] == "finished"
    assert shell(f"{command_line(REPOSITORY / 'scratch', 'list')} {closed}").returncode == 0
    mistake = shell(f"{command_line(TRAIN, '--experiment', 'nonesuch')} {closed}")
    assert mistake.returncode == 2
    assert mistake.stdout == ""


def test_a_reader_that_goes_away_makes_no_failed_run(tmp_path: Path) -> None:
    train = command_line(TRAIN, "--experiment", "and", "--epochs", 2, "--no-wandb", "--outputs", tmp_path)
    for reader in ("head -1", "true"):
        ended = shell(f"set -o pipefail; {train} 2>&1 | {reader}")
        assert ended.returncode == 0, ended.stdout
        assert ended.stderr == ""
    assert [read_summary(tmp_path, run_id)["status"] for run_id in runs_in(tmp_path)] == ["finished"] * 2


def command_line(*words: object) -> str:
    return shlex.join(map(str, (sys.executable, *words)))


def shell(line: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True)


def test_on_a_terminal_a_bar_shows_how_far_the_run_is(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 120))
    process = start(TRAIN, *LONG, "trainer.duration=100 epochs", "--outputs", tmp_path, stderr=theirs)
    os.close(theirs)
    shown = b""
    while chunk := _read(ours):
        shown += chunk
    os.close(ours)
    assert finish(process).code == 0
    assert re.search(rb"\r +\d+%\|.*\| \d+/800 \[.*step/s.*train/accuracy 0\.", shown)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 2**16)
    except OSError:  # Linux says so when the other side is closed
        return b""


# ---- what is imported --------------------------------------------------------------------------------------------

HEAVY = {"torch", "matplotlib", "sklearn", "wandb", "tensorboard"}


@pytest.mark.parametrize(
    ("command", "light"),
    [
        ((TRAIN, "--help"), HEAVY | {"hydra", "numpy"}),
        ((EVALUATE, "--help"), HEAVY | {"hydra", "numpy"}),
        ((TRAIN, "--experiment", "xor", "--epochs", "abc"), HEAVY | {"hydra"}),
        ((TRAIN, "--experiment", "xor", "trainer.batch_size=0"), HEAVY),
        ((EVALUATE, "--experiment", "xr", "--checkpoint", "latest"), HEAVY),
        ((TRAIN, "--experiment", "xor", "--plot", "boundary"), HEAVY),
    ],
)
def test_help_and_mistakes_in_the_config_are_answered_before_torch_is_loaded(
    command: tuple[object, ...], light: set[str]
) -> None:
    ended = call("-X", "importtime", *command)
    imported = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines() if "import time:" in line}
    assert "click" in imported
    assert not imported & light


# ---- stopping and going on ---------------------------------------------------------------------------------------


def test_a_run_that_is_terminated_interrupted_and_killed_ends_like_one_that_was_not(tmp_path: Path) -> None:
    unbroken = start(TRAIN, *LONG, "--outputs", tmp_path / "unbroken")
    outputs = tmp_path / "broken"
    at_hand = ("--outputs", outputs)

    def epochs() -> int:
        records = [path.read_bytes() for path in outputs.glob("logs/*/metrics.jsonl")]
        return sum(len(record.splitlines()) // 2 for record in records)  # a log line and an evaluation each

    process = start(TRAIN, *LONG, *at_hand)
    wait_for(lambda: epochs() > 10, process)
    process.send_signal(signal.SIGTERM)
    ended = finish(process)
    assert ended.code == 143
    run_id = outcome_of(outputs).run.run_id
    advice = re.fullmatch(
        rf"error: stopped at step (\d+); go on with (\S+python\S* \S+ --resume {run_id} --outputs \S+)",
        ended.stderr.splitlines()[-1],
    )
    assert advice is not None
    assert outcome_of(outputs).summary["status"] == "interrupted"
    assert outcome_of(outputs).checkpoint()["step"] == int(advice[1])

    _, *arguments = shlex.split(advice[2])
    process = start(*arguments)
    wait_for(lambda: epochs() > 40, process)
    process.send_signal(signal.SIGINT)
    ended = finish(process)
    assert ended.code == 130
    assert f"going on at step {advice[1]} of 1280" in ended.stderr
    assert "Traceback" not in ended.stderr
    stopped_at = outcome_of(outputs).checkpoint()["step"]

    process = start(TRAIN, "--resume", "latest", *at_hand)
    wait_for(lambda: epochs() > 70, process)
    process.kill()
    assert finish(process).code == -signal.SIGKILL
    assert outcome_of(outputs).summary["status"] == "running"
    assert outcome_of(outputs).checkpoint()["step"] >= stopped_at

    assert call(TRAIN, "--resume", "latest", *at_hand).code == 0
    assert finish(unbroken).code == 0
    assert outcome_of(outputs).fingerprint() == outcome_of(tmp_path / "unbroken").fingerprint()


def test_two_processes_cannot_train_one_run_and_a_killed_one_is_no_obstacle(tmp_path: Path) -> None:
    place = ("--outputs", tmp_path)
    process = start(TRAIN, *LONG, "trainer.duration=20000 epochs", *place)
    wait_for(lambda: list(tmp_path.glob("models/*/model_last.pt")), process)
    second = call(TRAIN, "--resume", "latest", *place)
    assert second.code == 2
    assert second.stderr.startswith(f"error: another process is at work on run {runs_in(tmp_path)[0]}; wait until")
    assert second.stderr.count("\n") == 1
    process.kill()
    finish(process)
    third = start(TRAIN, "--resume", "latest", *place)
    wait_for(lambda: outcome_of(tmp_path).narrative.count("going on at step"), third)
    third.send_signal(signal.SIGTERM)
    assert finish(third).code == 143
