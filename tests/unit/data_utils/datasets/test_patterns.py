"""Patterns of +1 and -1: random ones, and the ten digits."""

import numpy as np
import pytest
from pydantic import ValidationError

from data_utils.datasets.images import Mnist
from data_utils.datasets.patterns import DigitPrototypes, Patterns

COMMON = {"standardize": False, "validation": 0.0, "test": 0.0, "split_seed": 0}


def patterns_config(**settings):
    return Patterns(name="patterns", **{"n": 40, "units": 100, "seed": 0, **COMMON, **settings})


def test_a_pattern_is_of_signs_and_a_class_of_its_own():
    examples = patterns_config().examples()
    assert examples.inputs.shape == (40, 100)
    assert set(np.unique(examples.inputs)) == {-1.0, 1.0}
    assert examples.targets.tolist() == list(range(40))
    assert len(examples.class_names) == 40
    assert len(examples.feature_names) == 100


def test_signs_are_fair_and_patterns_independent():
    inputs = patterns_config(n=100, units=10_000).examples().inputs.astype(float)
    assert abs(inputs.mean()) < 5 / np.sqrt(inputs.size)
    overlaps = (inputs @ inputs.T / 10_000)[~np.eye(100, dtype=bool)]
    assert np.abs(overlaps).max() < 0.06
    assert overlaps.std() == pytest.approx(0.01, rel=0.05)


def test_the_seed_decides_the_patterns_and_the_first_of_many_are_those_of_few():
    few, many = patterns_config(n=5).examples(), patterns_config(n=50).examples()
    np.testing.assert_array_equal(few.inputs, many.inputs[:5])
    assert not np.array_equal(few.inputs, patterns_config(n=5, seed=1).examples().inputs)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"test": 0.2}, "each pattern is a class of its own and all are for training; give 0"),
        ({"validation": 0.1}, "each pattern is a class of its own and all are for training; give 0"),
        ({"standardize": True}, "False"),
        ({"n": 1}, "greater than or equal to 2"),
        ({"units": 0}, "greater than or equal to 1"),
    ],
)
def test_what_would_spoil_the_patterns_is_refused(changed, message):
    with pytest.raises(ValidationError, match=message):
        patterns_config(**changed)


def test_a_prototype_is_bright_where_its_digit_is_bright_on_average(dataset_mirror):
    prototypes = DigitPrototypes(name="digit_prototypes", brightness=0.4, **COMMON).examples()
    assert prototypes.inputs.shape == (10, 1, 28, 28)
    assert set(np.unique(prototypes.inputs)) == {-1.0, 1.0}
    assert prototypes.class_names == tuple("0123456789")

    config = {"standardize": False, "validation": 0.0, "split_seed": 0, "test": "official", "classes": None}
    config |= {"train_size": None, "permute_pixels": None, "shift": 0}
    digits = Mnist.model_validate({"name": "mnist", **config}).examples()
    threes = digits.inputs[:60_000][digits.targets[:60_000] == 3, 0] / 255
    np.testing.assert_array_equal(prototypes.inputs[3, 0] > 0, threes.mean(axis=0) > 0.4)


def test_a_higher_level_leaves_fewer_bright_pixels(dataset_mirror):
    bright = [
        (DigitPrototypes(name="digit_prototypes", brightness=level, **COMMON).examples().inputs > 0).sum()
        for level in (0.2, 0.8)
    ]
    assert bright[0] > bright[1] > 0
