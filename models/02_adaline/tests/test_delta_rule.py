"""The delta rule is gradient descent on the squared error, and what follows from that."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from config import ModelConfig, StabilityCurves
from least_squares import LeastSquares, distances, least_squares
from model import Adaline, losses
from tests.support.agreement import agree


def adaline(rate: float, features: int, *, unit: str = "absolute", classes: bool = False) -> Adaline:
    config = ModelConfig.model_validate({"learning_rate": rate, "rate_unit": unit, "stability_curves": None})
    return Adaline(config, features, classes=classes)


def table(seed: int, n: int, features: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    scales = torch.rand(features, generator=generator, dtype=torch.float64) + 0.5
    inputs = torch.randn(n, features, generator=generator, dtype=torch.float64) * scales + 0.5
    return inputs, torch.randn(n, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("seed", range(3))
def test_the_rule_is_the_negative_gradient_by_central_differences(seed: int) -> None:
    inputs, targets = table(seed, 12, 4)
    model, h = adaline(1.0, 4), 1e-6
    model.weights.copy_(targets[:4])
    before = torch.cat([model.weights, model.bias[None]])

    def loss(parameters: Tensor) -> float:
        return float(losses(targets - inputs @ parameters[:-1] - parameters[-1])["loss"])

    gradient = [(loss(before + h * e) - loss(before - h * e)) / (2 * h) for e in torch.eye(5, dtype=torch.float64)]
    model.learn(inputs, targets)
    moved = torch.cat([model.weights, model.bias[None]]) - before
    wanted = -torch.tensor(gradient, dtype=torch.float64)
    agree("the correction", moved, wanted, tolerance=1e-8, equation="(3)", against="central differences")


def walked(inputs: Tensor, targets: Tensor, rate: float, steps: int) -> tuple[LeastSquares, list[float]]:
    """The distance from the optimum after each full-batch step at `rate` times the limit."""
    bowl = least_squares(inputs, targets)
    model = adaline(rate, inputs.shape[1], unit="stability_limit")
    model.remember(bowl)
    away = [model.measures()["distance_to_optimum"]]
    for _ in range(steps):
        model.learn(inputs, targets)
        away.append(model.measures()["distance_to_optimum"])
    return bowl, away


@given(st.integers(0, 10**6), st.integers(5, 30), st.integers(1, 4), st.floats(0.05, 0.98))
@settings(max_examples=40, deadline=None)
def test_below_the_limit_every_full_step_comes_nearer(seed: int, n: int, features: int, rate: float) -> None:
    _, away = walked(*table(seed, n, features), rate, 30)
    assert all(after <= before * (1 + 1e-9) + 1e-12 for before, after in pairwise(away))


@given(st.integers(0, 10**6), st.integers(5, 30), st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_above_the_limit_it_runs_away_by_the_factor_of_the_steepest_direction(seed: int, n: int, features: int) -> None:
    bowl, away = walked(*table(seed, n, features), 1.05, 300)
    steepest = torch.linalg.eigh(bowl.correlation)[1][:, -1]
    if abs(float(steepest @ bowl.optimum)) > 1e-6:  # else it starts with nothing to run away with
        assert away[300] / away[299] == pytest.approx(abs(1 - 2 * 1.05), rel=1e-2)


@pytest.mark.parametrize("rate", [0.3, 0.95, 1.0, 1.05])
def test_the_recursion_says_where_the_steps_lead(rate: float) -> None:
    bowl, away = walked(*table(7, 20, 3), rate, 40)
    known = distances(bowl, torch.tensor([rate * bowl.rate_limit], dtype=torch.float64), 40)[0]
    agree("the distances", away, known, tolerance=1e-10, equation="(7)", against="the closed form of the recursion")


def test_the_excess_error_is_the_error_above_the_minimum() -> None:
    inputs, targets = table(3, 20, 3)
    bowl = least_squares(inputs, targets)
    model = adaline(0.3, 3)
    model.remember(bowl)
    model.learn(inputs, targets)
    error = float(losses(targets - model.score(inputs))["squared_error"])
    assert model.measures()["excess_error"] == pytest.approx(error - bowl.minimum)


def test_a_flat_direction_leaves_the_shortest_solution_which_learning_from_zero_reaches() -> None:
    inputs, targets = table(5, 20, 2)
    doubled = torch.cat([inputs, inputs[:, :1]], dim=1)  # the third feature repeats the first
    bowl, away = walked(doubled, targets, 0.9, 3000)
    assert away[-1] < 1e-9
    assert float(bowl.optimum[0]) == pytest.approx(float(bowl.optimum[2]))


def test_the_curves_for_the_plot_are_there_only_where_asked_for() -> None:
    inputs, targets = table(1, 10, 2)
    for curves in (None, StabilityCurves(rates=(0.5, 1.05), steps=8)):
        config = ModelConfig(learning_rate=0.5, rate_unit="stability_limit", stability_curves=curves)
        model = Adaline(config, 2, classes=False)
        model.remember(least_squares(inputs, targets))
        drawn = model.plot_data()
        assert ("distances" in drawn) == (curves is not None)
        if curves is not None:
            assert drawn["distances"].shape == (2, 9)  # type: ignore[attr-defined]


def test_a_checkpoint_holds_the_bowl() -> None:
    inputs, targets = table(2, 10, 2)
    model, copy = adaline(0.1, 2), adaline(0.1, 2)
    model.remember(least_squares(inputs, targets))
    model.learn(inputs, targets)
    copy.load_state_dict(model.state_dict())
    assert copy.measures() == model.measures()
