"""The margin and Novikoff's bound: against scikit-learn, against known geometry, and as theorems on random data."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_iris
from sklearn.svm import SVC
from torch import Tensor

from config import ModelConfig
from margin import largest_margin
from model import Perceptron
from tests.support.agreement import agree

POINTS = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


def boolean(truth_table: int) -> Tensor:
    return torch.tensor([truth_table >> i & 1 for i in range(4)])


def separable(seed: int, n: int, features: int, gap: float) -> tuple[Tensor, Tensor]:
    """Points at least `gap` from a random plane, labelled by their side of it."""
    generator = torch.Generator().manual_seed(seed)
    normal = torch.randn(features, generator=generator)
    normal /= normal.norm()
    offset = torch.randn((), generator=generator)
    inputs = 2 * torch.randn(n, features, generator=generator)
    height = inputs @ normal + offset
    side = torch.where(height > 0, 1.0, -1.0)
    return inputs + (gap * side)[:, None] * normal, (height > 0).long()


def svc_margin(inputs: Tensor, targets: Tensor) -> float:
    """The largest margin by a hard-margin SVM on (x, 1) and its mirror image, which puts its own intercept at zero."""
    augmented = np.c_[inputs.double().numpy(), np.ones(len(inputs))]
    doubled, labels = np.r_[augmented, -augmented], np.r_[targets.numpy(), 1 - targets.numpy()]
    return float(1 / np.linalg.norm(SVC(kernel="linear", C=1e10, tol=1e-8).fit(doubled, labels).coef_))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("features", [2, 10])
def test_the_margin_is_that_of_a_hard_margin_svm(seed: int, features: int) -> None:
    inputs, targets = separable(seed, 60, features, gap=0.3)
    margin = largest_margin(inputs, targets, iterations=100_000)
    assert margin is not None
    wanted = svc_margin(inputs, targets)
    agree("the largest margin", margin.margin, wanted, tolerance=1e-5, against="scikit-learn's SVC, hard margin")


def test_the_margin_of_setosa_is_that_of_a_hard_margin_svm() -> None:
    iris = load_iris()
    inputs, targets = torch.tensor(iris.data, dtype=torch.float32), torch.tensor(iris.target == 0).long()
    margin = largest_margin(inputs, targets, iterations=10_000)
    assert margin is not None
    wanted = svc_margin(inputs, targets)
    agree("the largest margin", margin.margin, wanted, tolerance=1e-5, against="scikit-learn's SVC, hard margin")


# Known geometry (deep dive, section 8): R² = 3, and γ² is 1/17 for AND, 1/9 for OR, 1/5 for a copy of an input, 1 for a
# constant.
@pytest.mark.parametrize(
    ("truth_table", "bound"), [(8, 51), (7, 51), (14, 27), (2, 27), (10, 15), (5, 15), (0, 3), (15, 3)]
)
def test_the_bound_of_a_boolean_function_is_the_one_worked_out_on_paper(truth_table: int, bound: int) -> None:
    margin = largest_margin(POINTS, boolean(truth_table), iterations=1000)
    assert margin is not None
    model = Perceptron(ModelConfig(learning_rate=1.0, margin_iterations=0), 2)
    model.remember_margin(margin)
    assert int(model.mistake_bound) == bound
    assert model.measures()["mistake_bound"] == bound
    assert model.measures()["margin"] == pytest.approx(margin.margin)


@pytest.mark.parametrize("truth_table", [6, 9])
def test_xor_and_its_negation_have_no_margin(truth_table: int) -> None:
    assert largest_margin(POINTS, boolean(truth_table), iterations=100) is None


@given(st.integers(0, 10**6), st.integers(2, 40), st.integers(1, 6), st.floats(0.01, 2), st.integers(1, 300))
@settings(max_examples=60, deadline=None)
def test_a_margin_is_a_proof_whenever_the_search_stopped(
    seed: int, n: int, features: int, gap: float, iterations: int
) -> None:
    inputs, targets = separable(seed, n, features, gap)
    margin = largest_margin(inputs, targets, iterations)
    if margin is None:
        return
    augmented = torch.cat([inputs, torch.ones(n, 1)], dim=1).double()
    heights = (augmented @ margin.direction) * (2 * targets - 1)
    assert float(margin.direction.norm()) == pytest.approx(1)
    assert float(heights.min()) == pytest.approx(margin.margin)
    assert float(augmented.norm(dim=1).max()) == pytest.approx(margin.radius)
    assert 0 < margin.margin <= margin.radius


@given(st.integers(0, 10**6), st.integers(2, 30), st.integers(1, 5), st.sampled_from([0.1, 0.5, 2.0]))
@settings(max_examples=40, deadline=None)
def test_mistakes_never_exceed_the_bound(seed: int, n: int, features: int, gap: float) -> None:
    inputs, targets = separable(seed, n, features, gap)
    margin = largest_margin(inputs, targets, iterations=2000)
    if margin is None:  # nearly touching: nothing is claimed
        return
    model = Perceptron(ModelConfig(learning_rate=1.0, margin_iterations=0), features)
    model.remember_margin(margin)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(20):
        order = torch.randperm(n, generator=generator)
        model.training_step((inputs[order], targets[order]), {})
        assert int(model.mistakes) <= int(model.mistake_bound)


def test_the_margin_is_in_the_state_dict_and_comes_back() -> None:
    margin = largest_margin(POINTS, boolean(8), iterations=1000)
    assert margin is not None
    config = ModelConfig(learning_rate=1.0, margin_iterations=0)
    model, copy = Perceptron(config, 2), Perceptron(config, 2)
    model.remember_margin(margin)
    model.training_step((POINTS, boolean(8)), {})
    copy.load_state_dict(model.state_dict())
    assert copy.measures() == model.measures()


def test_without_iterations_nothing_is_known() -> None:
    assert largest_margin(POINTS, boolean(0), iterations=0) is None
    assert largest_margin(POINTS, boolean(0), iterations=1) is not None
