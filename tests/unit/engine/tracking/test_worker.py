import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from engine import tracking
from engine.tracking import worker as lane
from engine.tracking.base import Row, RunInfo
from engine.tracking.worker import TrackerWorker


class Recorder:
    """A tracker that notes what it is asked to do."""

    name = "recorder"
    together = 0.0

    def __init__(self) -> None:
        self.seen: list[object] = []
        self.gate = threading.Event()
        self.gate.set()

    def start(self, run: RunInfo) -> str | None:
        return None

    def log(self, rows: Sequence[Row]) -> None:
        self.seen.append([row["step"] for row in rows])

    def figure(self, name: str, path: Path, step: int) -> None:
        return None

    def checkpoint(self, files: Sequence[Path], aliases: Sequence[str], metadata: Mapping[str, Any]) -> None:
        return None

    def finish(self, status: str) -> str | None:
        return None


def noting(what: object) -> Callable[[Recorder], str | None]:
    def action(tracker: Recorder) -> str | None:
        tracker.gate.wait()
        tracker.seen.append(what)
        return None

    return action


def failing(tracker: Recorder) -> str | None:
    raise OSError(28, "No space left\non device")


@pytest.fixture
def tracker() -> Recorder:
    return Recorder()


def test_work_is_done_in_order(tracker: Recorder) -> None:
    one = TrackerWorker(tracker)
    for number in range(100):
        one.put(noting(number))
    one.close(time.monotonic() + 10)
    assert tracker.seen == list(range(100))


def test_rows_that_wait_are_logged_together_and_keep_their_place(tracker: Recorder) -> None:
    tracker.gate.clear()
    one = TrackerWorker(tracker)
    one.put(noting("start"))
    for step in range(3):
        one.put([{"step": step}])
    one.put(noting("figure"))
    one.put([{"step": 3}])
    tracker.gate.set()
    one.close(time.monotonic() + 10)
    assert tracker.seen == ["start", [0, 1, 2], "figure", [3]]


@pytest.mark.parametrize("number", [5, 2000])
def test_rows_wait_for_others_where_a_tracker_wants_that_but_for_nothing_else(number: int, tracker: Recorder) -> None:
    tracker.together = 600.0
    one = TrackerWorker(tracker)
    for step in range(number):
        one.put([{"step": step}])
    one.put(noting("figure"))
    one.close(time.monotonic() + 10)
    assert tracker.seen[-1] == "figure"
    assert sum(map(len, tracker.seen[:-1])) == number  # type: ignore[arg-type]
    assert len(tracker.seen) - 1 <= number // 1000 + 1  # a thousand are enough to begin with


def test_a_tracker_that_raises_is_reported_once_and_gets_no_more(
    tracker: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    one = TrackerWorker(tracker)
    one.put(failing)
    one.put(failing)
    one.put(noting("after"))
    one.close(time.monotonic() + 10)
    assert tracker.seen == []
    assert [record.getMessage() for record in caplog.records] == [
        "recorder failed with OSError: [Errno 28] No space left on device; it is switched off for this run"
    ]


def test_a_tracker_that_hangs_holds_nobody_up(tracker: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    tracker.gate.clear()
    one = TrackerWorker(tracker)
    one.put(noting("never"))
    one.put([{"step": 1}])  # or this test would hang, as in the next line
    one.close(time.monotonic() + 0.1)
    tracker.gate.set()
    assert [record.getMessage() for record in caplog.records] == [
        "recorder has not finished in time; it is switched off for this run"
    ]


def test_a_tracker_that_falls_too_far_behind_is_dropped_and_its_work_let_go(
    tracker: Recorder, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "_MOST_WAITING", 5)
    tracker.gate.clear()
    one = TrackerWorker(tracker)
    one.put(noting("never"))
    for step in range(20):
        one.put([{"step": step}])
    assert [record.getMessage() for record in caplog.records] == [
        "recorder does not keep up; it is switched off for this run"
    ]
    tracker.gate.set()
    one.close(time.monotonic() + 10)
    assert [what for what in tracker.seen if what != "never"] == []


def test_what_a_tracker_says_is_logged(tracker: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    one = TrackerWorker(tracker)
    one.put(lambda tracker: "100 % of it is at https://example.org")
    one.close(time.monotonic() + 10)
    assert [record.getMessage() for record in caplog.records] == ["100 % of it is at https://example.org"]


@pytest.mark.parametrize(("status", "seconds"), [("finished", 60), ("failed", 60), ("interrupted", 10)])
def test_all_trackers_have_one_deadline_together_and_an_early_one_where_a_signal_came(
    status: str, seconds: float, tracker: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadlines: list[float] = []
    monkeypatch.setattr(TrackerWorker, "close", lambda _, deadline: deadlines.append(deadline))
    monkeypatch.setattr(tracking, "time", Mock(monotonic=lambda: 1000.0))
    tracking.Trackers([tracker, Recorder()]).finish(status)
    assert deadlines == [1000 + seconds] * 2
