"""`scratch track`: a recorded run, shown again."""

import json
import shutil
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from cli.commands.train.track import command
from engine.tracking.backfill import rebuild
from engine.tracking.base import Tracker
from project.chapters import Project
from tests.doubles.scripts import COMMAND, READY, TRAIN, call
from tests.integration.tracking.test_wandb import history_on_disk, sync_folder
from utils.errors import InputError

pytestmark = [pytest.mark.timeout(120), pytest.mark.usefixtures("home")]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that no tracker has seen."""
    outputs = tmp_path_factory.mktemp("outputs")
    options = ("--no-wandb", "--outputs", outputs, "--plot", "learning_curve", "tracking.tensorboard=false")
    ended = call(TRAIN, "--experiment", "and", *options)
    assert ended.code == 0, ended.stderr
    return outputs


def rows(outputs: Path) -> list[dict[str, Any]]:
    (record,) = outputs.glob("logs/*/metrics.jsonl")
    return [json.loads(line) for line in record.read_text().splitlines()]


def test_tensorboard_has_every_value_once_however_often_it_is_made(outputs: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for _ in range(2):
        assert [line.split(" has run ")[0] for line in rebuild(outputs, "latest", "tensorboard", {})] == ["tensorboard"]
    (folder,) = (outputs / "logs").iterdir()
    events = EventAccumulator(str(folder)).Reload()
    seen = [(event.step, event.value) for event in events.Scalars("train/accuracy")]
    assert seen == [(row["step"], row["train/accuracy"]) for row in rows(outputs) if "train/accuracy" in row]
    assert events.Tags()["images"] == ["learning_curve"]


def test_a_value_that_is_not_finite_is_shown_as_it_is(outputs: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    copy = Path(shutil.copytree(outputs, tmp_path / "copy"))
    (record,) = copy.glob("logs/*/metrics.jsonl")
    first = json.loads(next(line for line in record.read_text().splitlines() if "train/loss" in line))
    spoiled = f'"train/loss": {json.dumps(first["train/loss"])}'
    record.write_text(record.read_text().replace(spoiled, '"train/loss": "Infinity"', 1))
    assert list(rebuild(copy, "latest", "tensorboard", {}))
    events = EventAccumulator(str(record.parent)).Reload()
    assert events.Scalars("train/loss")[0].value == float("inf")


def test_wandb_has_the_whole_history_offline(outputs: Path) -> None:
    lines = list(rebuild(outputs, "latest", "wandb", {"project": "again"}))
    seen = [row for row in history_on_disk(sync_folder(lines[0])) if "train/accuracy" in row]
    wanted = [row for row in rows(outputs) if "train/accuracy" in row]
    assert [row["step"] for row in seen] == [row["step"] for row in wanted]


@pytest.mark.parametrize(
    ("run_id", "tracker", "message"),
    [("nope", "wandb", "there is no run 'nope'"), ("latest", "wanbd", "unknown tracker 'wanbd', did you mean 'wandb'")],
)
def test_what_is_not_there_is_named(outputs: Path, run_id: str, tracker: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        list(rebuild(outputs, run_id, tracker, {}))


def test_a_run_that_was_killed_is_shown_as_interrupted(
    outputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = Path(shutil.copytree(outputs, tmp_path / "copy"))
    (summary,) = copy.glob("models/*/metrics.json")
    opened = ("run_id", "status", "started_from", "chapter", "experiment", "seed")  # see Run.open
    content = json.loads(summary.read_text()) | {"status": "running"}
    summary.write_text(json.dumps({name: content[name] for name in opened}))
    tracker = Mock(spec=Tracker, **{"start.return_value": None, "finish.return_value": None})
    monkeypatch.setattr("engine.tracking.backfill.build_tracker", lambda *_: tracker)
    assert list(rebuild(copy, "latest", "mlflow", {}))
    assert tracker.start.call_args.args[0].chapter == "01_perceptron"
    tracker.finish.assert_called_once_with("interrupted")


@pytest.mark.parametrize("line", ["half a\nrow", "[1]", '{"train/loss": 1.0}', '{"step": 1, "train/loss": "text"}'])
def test_a_damaged_record_is_one_clear_line_and_costs_no_event_file(outputs: Path, tmp_path: Path, line: str) -> None:
    copy = Path(shutil.copytree(outputs, tmp_path / "copy"))
    (record,) = copy.glob("logs/*/metrics.jsonl")
    events = record.parent / "events.out.tfevents.1"
    events.touch()
    record.write_text(record.read_text() + f"{line}\n")
    with pytest.raises(InputError, match=r"cannot read the record .*: a line of it is damaged"):
        list(rebuild(copy, "latest", "tensorboard", {}))
    assert events.exists()


def test_the_command_finds_out_which_chapter_made_a_run(tmp_path: Path) -> None:
    (tmp_path / "models/01_perceptron").mkdir(parents=True)
    with pytest.raises(InputError, match="there is no run 'nope' in the outputs of the chapters"):
        command.main(["nope", "--to", "wandb"], obj=Project(tmp_path), standalone_mode=False)


def test_the_command_answers_in_one_line(outputs: Path) -> None:
    (run,) = (outputs / "models").iterdir()
    well = call(*COMMAND, "track", run, "--to", "tensorboard", env=READY)
    assert (well.code, well.stderr) == (0, "")
    wrong = call(*COMMAND, "track", run, "--to", "tensorbord", env=READY)
    assert wrong.code == 2
    assert wrong.stderr.startswith("error: unknown tracker 'tensorbord', did you mean 'tensorboard'?")
    assert wrong.stderr.count("\n") == 1
