"""The clock: seconds of training, across restarts, and when a checkpoint is due by them."""

from collections.abc import Callable

import pytest

from engine.loop.timer import Timer

Pass = Callable[[float], None]


@pytest.fixture
def pass_seconds(monkeypatch: pytest.MonkeyPatch) -> Pass:
    """Lets time go by."""
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])

    def pass_seconds(seconds: float) -> None:
        now[0] += seconds

    return pass_seconds


def test_it_stands_still_before_the_start(pass_seconds: Pass) -> None:
    clock = Timer()
    pass_seconds(5)
    assert clock.seconds == 0
    clock.start()
    pass_seconds(7)
    assert clock.seconds == 7


def test_a_resumed_run_counts_on(pass_seconds: Pass) -> None:
    clock = Timer()
    clock.load_state_dict({"seconds": 100})
    clock.start()
    pass_seconds(7)
    assert clock.seconds == 107


def test_a_lap_is_the_time_since_the_last_one_and_never_nothing(pass_seconds: Pass) -> None:
    clock = Timer()
    pass_seconds(50)
    clock.start()
    pass_seconds(2)
    assert clock.lap() == 2
    pass_seconds(3)
    assert clock.lap() == 3
    assert clock.lap() > 0


def test_a_checkpoint_is_due_some_time_after_the_last_one(pass_seconds: Pass) -> None:
    clock = Timer()
    clock.save_every(2)
    pass_seconds(1000)
    clock.start()
    pass_seconds(119)
    assert not clock.save_is_due
    pass_seconds(2)
    assert clock.save_is_due
    clock.saved()
    assert not clock.save_is_due
    pass_seconds(121)
    assert clock.save_is_due


def test_without_an_interval_none_is_ever_due(pass_seconds: Pass) -> None:
    clock = Timer()
    clock.save_every(None)
    clock.start()
    pass_seconds(1e9)
    assert not clock.save_is_due
