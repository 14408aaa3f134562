"""Durations: read from text, counted in steps, written back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.duration import Duration

UNITS = st.sampled_from(["steps", "epochs", "examples"])
AMOUNTS = st.floats(min_value=1e-6, max_value=1e18, allow_nan=False) | st.integers(1, 10**15).map(float)


def steps(text: str, per_epoch: int = 10, examples: int = 32) -> int:
    return Duration.parse(text).steps(steps_per_epoch=per_epoch, examples_per_step=examples)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 step", 1),
        ("500 steps", 500),
        ("20 epochs", 200),
        ("1 epoch", 10),
        ("0.5 epochs", 5),
        ("1e3 examples", 31),
        ("1_000 steps", 1000),
        (" 3  epochs ", 30),
        ("3epochs", 30),
        ("0.001 epochs", 1),
    ],
)
def test_every_unit_is_converted_to_steps(text: str, expected: int) -> None:
    assert steps(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "10", "ten epochs", "-1 epochs", "1 minute", "epochs", "nan steps", "inf steps", "1e999 steps", "1 2 steps"],
)
def test_anything_else_is_refused_with_what_is_wanted(text: str) -> None:
    with pytest.raises(ValueError, match="give a number and a unit"):
        Duration.parse(text)


def test_nothing_is_no_duration() -> None:
    with pytest.raises(ValueError, match="more than 0"):
        Duration.parse("0 epochs")


@given(amount=AMOUNTS, unit=UNITS)
def test_what_is_written_is_read_back_exactly(amount: float, unit: str) -> None:
    duration = Duration(amount, unit)
    assert Duration.parse(str(duration)) == duration


@given(amount=AMOUNTS, unit=UNITS, per_epoch=st.integers(1, 10**6), examples=st.integers(1, 10**6))
def test_a_duration_is_never_less_than_a_step(amount: float, unit: str, per_epoch: int, examples: int) -> None:
    assert Duration(amount, unit).steps(steps_per_epoch=per_epoch, examples_per_step=examples) >= 1


@given(n=st.integers(1, 10**6), per_epoch=st.integers(1, 1000), examples=st.integers(1, 1000))
def test_whole_numbers_are_converted_exactly(n: int, per_epoch: int, examples: int) -> None:
    assert steps(f"{n} steps", per_epoch, examples) == n
    assert steps(f"{n} epochs", per_epoch, examples) == n * per_epoch
    assert steps(f"{n * examples} examples", per_epoch, examples) == n


@pytest.mark.parametrize("amount", ["1e308", "1.1e18", "9" * 19])
def test_a_duration_that_no_run_would_ever_reach_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match=r"a duration must be at most 1e\+18 of its unit"):
        Duration.parse(f"{amount} epochs")


def test_the_longest_duration_can_be_counted() -> None:
    assert steps("1e18 epochs", per_epoch=10**9) == pytest.approx(1e27)


def test_one_of_something_is_written_in_the_singular() -> None:
    assert str(Duration.parse("1 epochs")) == "1 epoch"
    assert str(Duration.parse("1234567 step")) == "1234567 steps"
