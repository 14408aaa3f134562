"""TensorBoard: what its own reader finds in a run's logs folder."""

import math
import struct
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.summary.writer.record_writer import RecordWriter

from engine.tracking.base import RunInfo, Tracker
from engine.tracking.event_file import EventFile
from engine.tracking.tensorboard import TensorBoardTracker

pytestmark = pytest.mark.timeout(60)


def start(logs: Path, resumed_at: int | None = None) -> TensorBoardTracker:
    tracker = TensorBoardTracker()
    assert isinstance(tracker, Tracker)
    tracker.start(RunInfo("xor-seed1-7f3a", "01_perceptron", "xor", (), {}, logs, resumed_at, 0))
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


def test_values_beyond_32_bits_and_those_that_are_not_finite_are_shown_as_such(tmp_path: Path) -> None:
    tracker = start(tmp_path)
    tracker.log([{"step": 1, "huge": 1e300, "nowhere": -math.inf, "nothing": math.nan}])
    tracker.finish("finished")
    events = read(tmp_path)
    assert [events.Scalars(name)[0].value for name in ("huge", "nowhere")] == [math.inf, -math.inf]
    assert math.isnan(events.Scalars("nothing")[0].value)


def test_steps_and_names_of_any_length_are_kept(tmp_path: Path) -> None:
    tracker = start(tmp_path)
    tracker.log([{"step": 3_000_000_000, "größe/" + 300 * "x": 1.0}])
    tracker.finish("finished")
    (event,) = read(tmp_path).Scalars("größe/" + 300 * "x")
    assert event.step == 3_000_000_000


def test_a_record_of_the_format_has_the_checksums_of_tensorboards_own_writer(tmp_path: Path) -> None:
    """Its reader may leave checksums unchecked."""
    EventFile(tmp_path).close()
    (written,) = tmp_path.iterdir()
    (length,) = struct.unpack("<Q", written.read_bytes()[:8])
    theirs = RecordWriter((tmp_path / "theirs").open("wb"))
    theirs.write(written.read_bytes()[12 : 12 + length])
    theirs.close()
    assert (tmp_path / "theirs").read_bytes() == written.read_bytes()


def test_a_picture_can_be_read_back(tmp_path: Path) -> None:
    Image.new("RGB", (4, 3), "navy").save(tmp_path / "boundary.png")
    tracker = start(tmp_path)
    tracker.figure("decision_boundary", tmp_path / "boundary.png", step=30)
    tracker.finish("finished")
    (event,) = read(tmp_path).Images("decision_boundary")
    assert (event.step, event.width, event.height) == (30, 4, 3)
