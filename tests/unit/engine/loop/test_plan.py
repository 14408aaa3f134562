"""The plan: what happens after which step."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config import TrainerConfig
from engine.duration import Duration
from engine.loop.plan import Plan


@pytest.fixture(name="plan", scope="module")
def _plan(trainer_config: Callable[..., TrainerConfig]) -> Callable[..., Plan]:
    return lambda batches_per_epoch, **changes: Plan.of(trainer_config(**changes), batches_per_epoch)


def happens_after(plan: Plan, every: int | None) -> list[int]:
    return [step for step in range(1, plan.total + 1) if plan.due(step, every)]


def test_durations_of_every_unit_become_steps(plan: Callable[..., Plan]) -> None:
    made = plan(7, duration="3 epochs", log_every="40 examples", evaluate_every="2 steps", batch_size=8)
    assert (made.total, made.log_every, made.evaluate_every) == (21, 5, 2)


def test_without_a_checkpoint_interval_one_is_due_at_the_end_only(plan: Callable[..., Plan]) -> None:
    made = plan(2, duration="3 epochs")
    assert made.checkpoint_every is None
    assert happens_after(made, made.checkpoint_every) == [6]


def test_what_happens_at_intervals_happens_at_the_end_too(plan: Callable[..., Plan]) -> None:
    made = plan(5, duration="1 epoch", evaluate_every="2 steps")
    assert happens_after(made, made.evaluate_every) == [2, 4, 5]


def test_accumulated_batches_make_fewer_steps_the_last_one_shorter(plan: Callable[..., Plan]) -> None:
    made = plan(7, accumulate=3)
    assert (made.steps_per_epoch, made.examples_per_step) == (3, 24)


def test_a_logging_window_is_never_longer_than_an_epoch(plan: Callable[..., Plan]) -> None:
    assert plan(4, log_every="50 steps").log_every == 4


@given(batches=st.integers(1, 100), accumulate=st.integers(1, 10), step=st.integers(0, 10_000))
def test_a_position_says_how_many_steps_were_made(
    plan: Callable[..., Plan], batches: int, accumulate: int, step: int
) -> None:
    made = plan(batches, accumulate=accumulate)
    epoch, within = made.epoch_and_step(step)
    assert epoch * made.steps_per_epoch + within == step
    assert 0 <= within < made.steps_per_epoch


@given(batches=st.integers(1, 50), epochs=st.integers(1, 5), every=st.integers(1, 60))
def test_the_last_step_is_always_due(plan: Callable[..., Plan], batches: int, epochs: int, every: int) -> None:
    made = plan(batches, duration=f"{epochs} epochs", evaluate_every=f"{every} steps")
    assert made.total == batches * epochs
    assert happens_after(made, made.evaluate_every)[-1] == made.total


def test_any_other_duration_is_converted_alike(plan: Callable[..., Plan]) -> None:
    assert plan(6).steps(Duration.parse("2 epochs")) == 12
