"""The best evaluation: which it is, and when to stop waiting for a better one."""

import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.config import EarlyStopping, Monitor
from engine.loop.monitor import MetricMonitor, is_better
from utils.errors import InputError

VALUES = st.lists(st.floats(-10, 10).map(lambda x: round(x, 1)) | st.sampled_from([math.nan, math.inf, -math.inf]))
MODES = st.sampled_from(["min", "max"])


def best(mode: str = "max", patience: int | None = None, min_delta: float = 0.0) -> MetricMonitor:
    stopping = EarlyStopping(patience=patience, min_delta=min_delta) if patience else None
    return MetricMonitor(Monitor.model_validate({"metric": "m", "mode": mode}), stopping)


def told(best: MetricMonitor, values: list[float], start: int = 1) -> list[bool]:
    return [best.update({"m": value}, step) for step, value in enumerate(values, start)]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("mode", ["min", "max"])
def test_a_value_that_is_not_finite_is_never_better(value: float, mode: str) -> None:
    assert not is_better(value, None, mode)
    assert not is_better(value, 0.0, mode)


@given(values=VALUES, mode=MODES)
def test_the_best_is_the_first_of_the_extreme_finite_values(values: list[float], mode: str) -> None:
    tracked = best(mode)
    told(tracked, values)
    finite = [(value, step) for step, value in enumerate(values, 1) if math.isfinite(value)]
    if not finite:
        assert tracked.summary() is None
        return
    sign = 1 if mode == "min" else -1
    value, step = min(finite, key=lambda each: (sign * each[0], each[1]))
    assert tracked.summary() == {"metric": "m", "value": value, "step": step}


@given(values=VALUES, mode=MODES)
def test_a_new_best_is_announced_when_it_comes(values: list[float], mode: str) -> None:
    tracked = best(mode)
    announced = [step for step, new in enumerate(told(tracked, values), 1) if new]
    assert announced == sorted(announced)
    assert tracked.step == (announced[-1] if announced else None)


def test_an_equal_value_is_no_improvement() -> None:
    assert told(best(), [0.5, 0.5, 0.6]) == [True, False, True]


def test_patience_counts_evaluations_without_improvement() -> None:
    tracked = best(patience=2)
    told(tracked, [0.5, 0.4])
    assert not tracked.patience_is_over
    told(tracked, [math.nan], start=3)
    assert tracked.patience_is_over


def test_an_improvement_gives_new_patience() -> None:
    tracked = best(patience=2)
    told(tracked, [0.5, 0.4, 0.6, 0.5])
    assert not tracked.patience_is_over


def test_small_improvements_are_the_best_but_do_not_renew_patience() -> None:
    tracked = best(patience=2, min_delta=0.1)
    assert told(tracked, [0.50, 0.55, 0.59]) == [True, True, True]
    assert tracked.patience_is_over


def test_improvements_that_add_up_renew_patience() -> None:
    tracked = best(patience=2, min_delta=0.1)
    told(tracked, [0.50, 0.55, 0.61])
    assert not tracked.patience_is_over


def test_without_early_stopping_patience_is_endless() -> None:
    tracked = best()
    told(tracked, [0.5] + [0.1] * 1000)
    assert not tracked.patience_is_over


def test_without_a_monitor_nothing_is_best() -> None:
    tracked = MetricMonitor(None, None)
    assert not tracked.update({"m": 1.0}, 1)
    assert tracked.summary() is None


def test_a_monitored_metric_that_is_not_evaluated_is_refused_with_the_ones_that_are() -> None:
    with pytest.raises(InputError, match=r"trainer\.monitor\.metric is 'm', but evaluated are: a, b"):
        best().update({"b": 1.0, "a": 2.0}, 1)


@example(values=[0.5, 0.55, 0.61], cut=2, mode="max", patience=2, delta=0.1)
@given(values=VALUES, cut=st.integers(0, 20), mode=MODES, patience=st.none() | st.integers(1, 4), delta=st.floats(0, 2))
def test_a_run_that_was_resumed_anywhere_has_the_same_best_as_an_unbroken_one(
    values: list[float], cut: int, mode: str, patience: int | None, delta: float
) -> None:
    def facts(tracked: MetricMonitor) -> tuple[Any, ...]:
        return tracked.summary(), tracked.patience_is_over, tracked.without_improvement

    unbroken, first, second = (best(mode, patience, delta) for _ in range(3))
    announced = told(unbroken, values)
    before = told(first, values[:cut])
    second.load_state_dict(first.state_dict())
    assert before + told(second, values[cut:], start=len(before) + 1) == announced
    assert facts(second) == facts(unbroken)
