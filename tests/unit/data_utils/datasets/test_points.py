import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_utils.datasets.points import Blobs, FarPoints, Moons, NoisyBlobs, Spirals

COMMON = {"standardize": False, "validation": 0.0, "test": 0.0, "split_seed": 0}


def blobs_config(**settings):
    return Blobs(name="blobs", **{"n": 40, "features": 2, "margin": 0.5, "seed": 0, **COMMON, **settings})


@settings(max_examples=100, deadline=None)
@given(
    n=st.integers(2, 60),
    features=st.integers(1, 6),
    margin=st.floats(1e-3, 100),
    seed=st.integers(0, 2**32 - 1),
)
def test_no_blob_point_is_nearer_to_the_plane_than_the_margin(n, features, margin, seed):
    config = blobs_config(n=n, features=features, margin=margin, seed=seed)
    examples, (normal, offset) = config.examples(), config.separating_plane()
    signed = (2 * examples.targets - 1) * (examples.inputs.astype(np.float64) @ normal + offset)
    assert np.linalg.norm(normal) == pytest.approx(1)
    assert signed.min() >= margin - 1e-6 * (margin + 10)  # float32 rounding
    assert abs(int(examples.targets.sum()) * 2 - n) <= 1


def test_the_margin_of_many_blob_points_is_hardly_more_than_promised():
    config = blobs_config(n=10_000)
    examples, (normal, offset) = config.examples(), config.separating_plane()
    assert np.abs(examples.inputs @ normal + offset).min() < config.margin + 0.01


def test_the_seed_decides_the_points():
    assert np.array_equal(blobs_config(seed=1).examples().inputs, blobs_config(seed=1).examples().inputs)
    assert not np.array_equal(blobs_config(seed=1).examples().inputs, blobs_config(seed=2).examples().inputs)


def test_noisy_blobs_have_the_centres_and_the_noise_they_are_asked_for():
    config = NoisyBlobs(name="noisy_blobs", n=40_000, features=3, separation=2.0, noise=0.7, seed=0, **COMMON)
    examples = config.examples()
    low, high = (examples.inputs[examples.targets == target] for target in (0, 1))
    assert np.linalg.norm(high.mean(0) - low.mean(0)) == pytest.approx(2.0, abs=0.03)
    assert low.std(0) == pytest.approx(0.7, abs=0.02)


def test_the_best_accuracy_on_noisy_blobs_is_the_one_their_card_states():
    config = NoisyBlobs(name="noisy_blobs", n=40_000, features=2, separation=2.0, noise=1.0, seed=0, **COMMON)
    examples = config.examples()
    accuracy = np.mean((examples.inputs.sum(1) > 0) == examples.targets)
    assert accuracy == pytest.approx((1 + math.erf(2.0 / 2 / math.sqrt(2))) / 2, abs=0.01)


def least_squares_accuracy(examples):
    inputs = np.c_[examples.inputs, np.ones(len(examples.inputs))].astype(float)
    weights, *_ = np.linalg.lstsq(inputs, 2.0 * examples.targets - 1, rcond=None)
    return np.mean((inputs @ weights > 0) == examples.targets)


def moons(**changes):
    return Moons(name="moons", **{"n": 400, "noise": 0.0, "seed": 0, **COMMON, **changes}).examples()


def test_the_moons_are_half_circles_around_two_centres():
    examples = moons()
    upper, lower = (examples.inputs[examples.targets == target] for target in (0, 1))
    assert np.allclose(np.linalg.norm(upper, axis=1), 1, atol=1e-6) and upper[:, 1].min() >= 0
    assert np.allclose(np.linalg.norm(lower - (1, 0.5), axis=1), 1, atol=1e-6) and lower[:, 1].max() <= 0.5
    assert least_squares_accuracy(examples) < 0.95


def spirals(**changes):
    return Spirals(name="spirals", **{"n": 400, "turns": 1.5, "noise": 0.0, "seed": 0, **COMMON, **changes}).examples()


def test_a_spiral_point_lies_at_the_angle_of_its_radius():
    examples = spirals()
    radius = np.linalg.norm(examples.inputs, axis=1)
    angle = np.arctan2(examples.inputs[:, 1], examples.inputs[:, 0])
    turned = angle - 2 * np.pi * 1.5 * radius - np.pi * examples.targets
    assert radius.max() <= 1 and np.allclose(np.cos(turned), 1, atol=1e-5)


def test_no_line_does_much_better_than_chance_on_spirals():
    assert least_squares_accuracy(spirals(turns=2.0, noise=0.02)) < 0.7


@pytest.mark.parametrize("make", [moons, spirals])
def test_the_noise_is_the_one_asked_for(make):
    clean, noisy = make(n=40_000), make(n=40_000, noise=0.1)
    assert (noisy.inputs - clean.inputs).std(0) == pytest.approx(0.1, rel=0.02)


@pytest.mark.parametrize("seed", range(5))
def test_far_points_on_their_correct_side_mislead_least_squares_but_not_a_perceptron(seed):
    examples = FarPoints(name="far_points", n=200, distance=10.0, seed=seed, **COMMON).examples()
    assert np.all((examples.inputs[:, 0] > 0) == examples.targets)
    assert np.sum(examples.inputs[:, 0] > 5) == 20
    assert least_squares_accuracy(examples) < 0.9
    near = FarPoints(name="far_points", n=200, distance=0.0, seed=seed, **COMMON).examples()
    assert least_squares_accuracy(near) == 1
