import numpy as np
import pytest

from data_utils.datasets.functions import Line, Sine

COMMON = {"standardize": False, "validation": 0.0, "test": 0.0, "split_seed": 0}


def test_a_line_without_noise_is_the_line_it_says():
    config = Line(name="line", n=50, features=3, noise=0.0, seed=1, standardize_targets=False, **COMMON)
    examples, (weights, offset) = config.examples(), config.true_line()
    assert np.allclose(examples.targets[:, 0], examples.inputs @ weights + offset, atol=1e-5)


def test_the_targets_of_a_line_have_the_noise_they_are_asked_for():
    config = Line(name="line", n=40_000, features=2, noise=0.3, seed=1, standardize_targets=False, **COMMON)
    examples, (weights, offset) = config.examples(), config.true_line()
    assert np.std(examples.targets[:, 0] - examples.inputs @ weights - offset) == pytest.approx(0.3, rel=0.02)


def test_a_sine_is_one_period():
    config = Sine(name="sine", n=5000, noise=0.0, seed=0, standardize_targets=False, **COMMON)
    examples = config.examples()
    assert examples.targets == pytest.approx(np.sin(examples.inputs), abs=1e-6)
    assert (examples.inputs.min(), examples.inputs.max()) == pytest.approx((-np.pi, np.pi), abs=0.01)
