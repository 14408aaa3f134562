"""The logging window: weighted means of what the steps reported."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from engine.loop.metric_buffer import MetricBuffer, NonFinite
from utils.errors import RunError

PASSES = st.lists(st.tuples(st.integers(1, 9), st.floats(-100, 100)), min_size=1, max_size=20)


def loss(value: float, **others: float) -> dict[str, Tensor]:
    return {name: torch.tensor(number) for name, number in {"loss": value, **others}.items()}


@given(passes=PASSES)
def test_a_mean_is_weighted_by_the_examples_of_each_pass(passes: list[tuple[int, float]]) -> None:
    window = MetricBuffer(gradients_are_scaled=False)
    for step, (examples, value) in enumerate(passes):
        window.add(step, examples, loss(value))
    every_example = [torch.tensor(value).item() for examples, value in passes for _ in range(examples)]
    assert window.examples == len(every_example)
    assert window.flush()["batch/loss"] == pytest.approx(math.fsum(every_example) / len(every_example), abs=1e-9)


def test_a_mean_is_weighted_by_items_where_the_model_counts_them() -> None:
    window = MetricBuffer(gradients_are_scaled=False)
    window.add(0, 8, loss(1.0, items=30))
    window.add(1, 8, loss(5.0, items=10))
    assert window.flush() == {"batch/loss": 2.0}


def test_passes_without_items_have_no_say() -> None:
    window = MetricBuffer(gradients_are_scaled=False)
    window.add(0, 8, loss(1.0, items=0))
    window.add(0, 8, loss(2.0, items=4))
    assert window.flush() == {"batch/loss": 2.0}


def test_a_mean_over_no_items_is_left_out() -> None:
    window = MetricBuffer(gradients_are_scaled=False)
    window.add(0, 8, loss(0.0, items=0))
    assert window.flush() == {}


def test_a_value_that_some_steps_lack_is_the_mean_of_the_others() -> None:
    window = MetricBuffer(gradients_are_scaled=False)
    window.add(0, 1, loss(1.0))
    window.add(1, 1, loss(3.0, gradient_norm=7.0))
    assert window.flush() == {"batch/loss": 2.0, "optimizer/gradient_norm": 7.0}


def test_what_the_engine_adds_is_told_of_the_optimizer() -> None:
    window = MetricBuffer(gradients_are_scaled=True)
    window.add(0, 2, loss(1.0, gradient_norm=math.inf, loss_scale=8.0, skipped_steps=1.0))
    window.add(1, 2, loss(1.0, skipped_steps=0.0))
    row = window.flush()
    assert (row["optimizer/skipped_steps"], row["optimizer/loss_scale"]) == (0.5, 8.0)
    assert row["optimizer/gradient_norm"] == math.inf  # such a step is left out, so this is no reason to stop


def test_a_flush_starts_anew() -> None:
    window = MetricBuffer(gradients_are_scaled=False)
    window.add(0, 4, loss(1.0))
    window.flush()
    assert window.examples == 0
    assert window.flush() == {}
    window.add(1, 4, loss(3.0))
    assert window.flush() == {"batch/loss": 3.0}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_stops_the_run_and_names_the_first_step(value: float) -> None:
    window = MetricBuffer(gradients_are_scaled=False)
    for step, each in enumerate([1.0, value, math.nan], start=40):
        window.add(step, 1, loss(each))
    with pytest.raises(RunError, match=f"the loss is {value} at step 41: lower the learning rate"):
        window.flush()


def test_the_first_step_is_the_first_of_all_values() -> None:
    window = MetricBuffer(gradients_are_scaled=False)
    window.add(5, 1, loss(math.nan, auxiliary=1.0))
    window.add(6, 1, loss(math.nan, auxiliary=math.nan))
    with pytest.raises(RunError, match="the loss is nan at step 5"):
        window.flush()


def test_the_gradient_is_named_in_words() -> None:
    window = MetricBuffer(gradients_are_scaled=False)
    window.add(2, 1, loss(1.0, gradient_norm=math.inf))
    with pytest.raises(RunError, match="the gradient norm is inf at step 2"):
        window.flush()


def test_a_gradient_that_the_loss_scale_overflowed_is_no_reason_to_stop() -> None:
    window = MetricBuffer(gradients_are_scaled=True)
    window.add(2, 1, loss(1.0, gradient_norm=math.inf))
    assert window.flush() == {"batch/loss": 1.0, "optimizer/gradient_norm": math.inf}


def scaled(skipped: list[float], scale: float) -> MetricBuffer:
    """Steps 11, 12, ... of fp16; the last one is logged, with the loss scale that it was made with."""
    window = MetricBuffer(gradients_are_scaled=True)
    for step, each in enumerate(skipped, start=11):
        last = {"loss_scale": scale, "gradient_norm": math.nan} if step == 10 + len(skipped) else {}
        window.add(step, 1, loss(1.0, skipped_steps=each, **last))
    return window


def test_a_gradient_that_overflows_without_any_help_of_the_loss_scale_stops_the_run() -> None:
    message = "the gradient of steps 11 to 13 is not finite, though the loss scale of fp16 is down to 0.5: look for"
    with pytest.raises(NonFinite, match=message) as caught:
        scaled([1.0, 1.0, 1.0], 0.5).flush()
    assert caught.value.step == 13


@pytest.mark.parametrize(("skipped", "scale"), [([1.0, 1.0], 1.0), ([0.0, 1.0], 0.5), ([0.0, 0.0], 0.5)])
def test_steps_that_are_skipped_until_the_loss_scale_fits_are_no_reason_to_stop(
    skipped: list[float], scale: float
) -> None:
    assert scaled(skipped, scale).flush()["optimizer/loss_scale"] == scale


def test_a_check_between_two_flushes_takes_nothing_away() -> None:
    window = MetricBuffer(gradients_are_scaled=False)
    window.add(0, 1, loss(1.0))
    window.refuse_non_finite()
    window.add(1, 1, loss(math.nan))
    with pytest.raises(RunError, match="at step 1"):
        window.refuse_non_finite()


@given(passes=PASSES, cut=st.integers(0, 20))
def test_a_window_goes_on_after_a_checkpoint(passes: list[tuple[int, float]], cut: int) -> None:
    unbroken, first, second = (MetricBuffer(gradients_are_scaled=False) for _ in range(3))
    for step, (examples, value) in enumerate(passes):
        unbroken.add(step, examples, loss(value))
    for step, (examples, value) in enumerate(passes[:cut]):
        first.add(step, examples, loss(value))
    second.load_state_dict(first.state_dict())
    for step, (examples, value) in enumerate(passes[cut:], start=cut):
        second.add(step, examples, loss(value))
    assert second.examples == unbroken.examples
    assert second.flush() == unbroken.flush()
