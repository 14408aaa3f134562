"""TensorBoard: what its own reader finds in a run's logs folder."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from engine.tracking.base import RunInfo, Tracker
from engine.tracking.tensorboard import TensorBoardTracker

pytestmark = pytest.mark.timeout(60)


def start(logs: Path, resumed_at: int | None = None) -> TensorBoardTracker:
    tracker = TensorBoardTracker()
    assert isinstance(tracker, Tracker)
    tracker.start(RunInfo("xor-seed1-7f3a", "01_perceptron", "xor", (), {}, logs, resumed_at))
    return tracker


def read(logs: Path) -> Any:
    events = EventAccumulator(str(logs))
    events.Reload()
    return events


def test_every_value_of_every_row_can_be_read_back(tmp_path: Path) -> None:
    tracker = start(tmp_path)
    tracker.log([{"step": 10, "batch/loss": 0.5}, {"step": 20, "batch/loss": 0.25, "train/accuracy": 0.75}])
    tracker.finish("finished")
    events = read(tmp_path)
    assert sorted(events.Tags()["scalars"]) == ["batch/loss", "train/accuracy"]
    assert [(event.step, event.value) for event in events.Scalars("batch/loss")] == [(10, 0.5), (20, 0.25)]


def test_a_resumed_run_hides_what_came_after_its_checkpoint(tmp_path: Path) -> None:
    killed = start(tmp_path)
    killed.log([{"step": step, "batch/loss": 1.0} for step in (10, 20, 30)])
    killed.finish("interrupted")
    resumed = start(tmp_path, resumed_at=20)
    resumed.log([{"step": step, "batch/loss": 2.0} for step in (30, 40)])
    resumed.finish("finished")
    scalars = read(tmp_path).Scalars("batch/loss")
    assert [(event.step, event.value) for event in scalars] == [(10, 1.0), (20, 1.0), (30, 2.0), (40, 2.0)]


def test_a_picture_can_be_read_back(tmp_path: Path) -> None:
    Image.new("RGB", (4, 3), "navy").save(tmp_path / "boundary.png")
    tracker = start(tmp_path)
    tracker.figure("decision_boundary", tmp_path / "boundary.png", step=30)
    tracker.finish("finished")
    (event,) = read(tmp_path).Images("decision_boundary")
    assert (event.step, event.width, event.height) == (30, 4, 3)
