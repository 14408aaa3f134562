import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_utils import toy
from data_utils.config import Blobs, NoisyBlobs

COMMON = {"standardize": False, "validation": 0.0, "test": 0.0, "split_seed": 0}


def blobs_config(**settings):
    return Blobs(name="blobs", **{"n": 40, "features": 2, "margin": 0.5, "seed": 0, **COMMON, **settings})


@pytest.mark.parametrize(
    ("gate", "function"), [("and", lambda a, b: a & b), ("or", lambda a, b: a | b), ("xor", lambda a, b: a ^ b)]
)
def test_a_gate_computes_its_function(gate, function):
    examples = toy.boolean(toy.TRUTH_TABLES[gate])
    assert [function(int(a), int(b)) for a, b in examples.inputs] == examples.targets.tolist()


def test_a_truth_table_is_read_from_its_lowest_bit():
    assert toy.boolean(0b0010).targets.tolist() == [0, 1, 0, 0]
    assert toy.boolean(0b0010).inputs.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]


def test_the_sixteen_functions_are_different():
    assert len({tuple(toy.boolean(table).targets) for table in range(16)}) == 16


@settings(max_examples=100, deadline=None)
@given(
    n=st.integers(2, 60),
    features=st.integers(1, 6),
    margin=st.floats(1e-3, 100),
    seed=st.integers(0, 2**32 - 1),
)
def test_no_blob_point_is_nearer_to_the_plane_than_the_margin(n, features, margin, seed):
    config = blobs_config(n=n, features=features, margin=margin, seed=seed)
    examples, (normal, offset) = toy.blobs(config), toy.separating_plane(config)
    signed = (2 * examples.targets - 1) * (examples.inputs.astype(np.float64) @ normal + offset)
    assert np.linalg.norm(normal) == pytest.approx(1)
    assert signed.min() >= margin - 1e-6 * (margin + 10)  # float32 rounding
    assert abs(int(examples.targets.sum()) * 2 - n) <= 1


def test_the_margin_of_many_blob_points_is_hardly_more_than_promised():
    config = blobs_config(n=10_000)
    examples, (normal, offset) = toy.blobs(config), toy.separating_plane(config)
    assert np.abs(examples.inputs @ normal + offset).min() < config.margin + 0.01


def test_the_seed_decides_the_points():
    assert np.array_equal(toy.blobs(blobs_config(seed=1)).inputs, toy.blobs(blobs_config(seed=1)).inputs)
    assert not np.array_equal(toy.blobs(blobs_config(seed=1)).inputs, toy.blobs(blobs_config(seed=2)).inputs)


def test_noisy_blobs_have_the_centres_and_the_noise_they_are_asked_for():
    config = NoisyBlobs(name="noisy_blobs", n=40_000, features=3, separation=2.0, noise=0.7, seed=0, **COMMON)
    examples = toy.noisy_blobs(config)
    low, high = (examples.inputs[examples.targets == target] for target in (0, 1))
    assert np.linalg.norm(high.mean(0) - low.mean(0)) == pytest.approx(2.0, abs=0.03)
    assert low.std(0) == pytest.approx(0.7, abs=0.02)


def test_the_best_accuracy_on_noisy_blobs_is_the_one_their_card_states():
    config = NoisyBlobs(name="noisy_blobs", n=40_000, features=2, separation=2.0, noise=1.0, seed=0, **COMMON)
    examples = toy.noisy_blobs(config)
    accuracy = np.mean((examples.inputs.sum(1) > 0) == examples.targets)
    assert accuracy == pytest.approx((1 + math.erf(2.0 / 2 / math.sqrt(2))) / 2, abs=0.01)
