"""The band of an experiment: a new seed stays inside, another learning rate does not."""

import math
import random
from dataclasses import asdict

import pytest

from engine.claims.claim import Record
from engine.claims.seed_band import Band, Curve, bands, departures, read_bands


def curve(seed: int, rate: float = 1.0, steps: int = 200) -> Curve:
    """A loss that falls with a little noise of its own."""
    draw = random.Random(seed)
    start = 1 + draw.gauss(0, 0.02)
    return {step: start * math.exp(-rate * step / 50) + 0.3 + draw.gauss(0, 0.01) for step in range(1, steps + 1)}


def rows(seed: int, rate: float = 1.0) -> Record:
    return [{"step": step, "seconds": 0.1, "train/loss": value} for step, value in curve(seed, rate).items()]


FIVE = Band.of([curve(seed) for seed in range(5)])


@pytest.mark.parametrize("seed", range(5, 45))
def test_another_seed_stays_inside(seed: int) -> None:
    assert FIVE.departure("train/loss", curve(seed)) is None


@pytest.mark.parametrize("rate", [0.1, 10])
def test_ten_times_the_rate_or_a_tenth_leaves_it(rate: float) -> None:
    found = FIVE.departure("train/loss", curve(7, rate))
    assert found is not None
    assert found.step < 50


def test_where_a_run_leaves_is_said_in_words() -> None:
    flat = Band.of([{1: 0.0, 2: 1.0}, {1: 0.1, 2: 0.9}, {1: 0.05, 2: 1.0}])
    (found,) = departures({"train/loss": flat}, [{"step": 1, "train/loss": 0.0}, {"step": 2, "train/loss": 3.5}])
    assert str(found).startswith("train/loss leaves the band at step 2: 3.5 against 0.")
    assert (found.step, found.value) == (2, 3.5)


def test_a_value_that_is_not_finite_is_outside() -> None:
    assert FIVE.departure("train/loss", {10: math.nan}) is not None


def test_steps_beyond_the_band_are_not_judged() -> None:
    assert FIVE.departure("train/loss", {100_000: 7.0}) is None


def test_curves_that_agree_allow_for_rounding_and_no_more() -> None:
    same = Band.of([{1: 0.123456}] * 3)
    assert same.departure("a/b", {1: 0.12346}) is None
    assert same.departure("a/b", {1: 0.13}) is not None


def test_a_loss_over_many_scales_is_held_by_its_logarithm() -> None:
    def falling(seed: int) -> Curve:
        factor = 1 + 0.05 * random.Random(seed).random()
        return {step: factor * math.exp(-step / 5) for step in range(50)}

    band = Band.of([falling(seed) for seed in range(5)])
    assert band.logarithmic
    assert band.departure("train/loss", falling(9)) is None
    assert band.departure("train/loss", {step: 10 * value for step, value in falling(9).items()}) is not None
    assert band.departure("train/loss", {49: 0.0}) is not None


def test_a_long_run_keeps_few_points_and_its_last() -> None:
    band = Band.of([{step: float(step) for step in range(5000)}] * 3)
    assert len(band.steps) <= 62
    assert band.steps[-1] == 4999
    assert band.high[-1] == 4999


def test_loss_gradient_norm_and_the_monitored_metric_have_bands() -> None:
    more = {"optimizer/gradient_norm": 1.0, "validation/accuracy": 0.5, "train/accuracy": 0.5}
    records = {seed: [{**row, **more} for row in rows(seed)] for seed in range(3)}
    known = bands(records, "validation/accuracy")
    loss = ["train/loss", "train/loss relative to its start"]
    assert list(known) == [*loss, "optimizer/gradient_norm", "validation/accuracy"]
    assert read_bands({metric: asdict(band) for metric, band in known.items()}) == known


def test_fewer_than_three_seeds_make_no_band() -> None:
    assert bands({0: rows(0), 1: rows(1)}, None) == {}


def test_without_an_evaluated_training_loss_the_one_of_the_batches_is_taken() -> None:
    records = {seed: [{"step": 1, "batch/loss": 0.5}] for seed in range(3)}
    assert list(bands(records, None)) == ["batch/loss", "batch/loss relative to its start"]


def test_a_loss_that_starts_at_zero_has_no_relative_curve() -> None:
    assert list(bands({seed: [{"step": 0, "train/loss": 0.0}] for seed in range(3)}, None)) == ["train/loss"]


def test_more_seeds_widen_the_band_less() -> None:
    assert Band.of([curve(seed) for seed in range(10)]).tolerance < FIVE.tolerance
    assert (
        Band.of([curve(seed) for seed in range(12)]).tolerance == Band.of([curve(seed) for seed in range(10)]).tolerance
    )
