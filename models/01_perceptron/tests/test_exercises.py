"""What grades the exercises, part by part; no test needs a part that comes later in exercises.yaml."""

import pytest
import torch
from torch import Tensor

from config import ModelConfig
from margin import Margin
from model import Perceptron, criterion
from tests.support.agreement import agree


def perceptron(weights: list[float], bias: float, learning_rate: float = 1.0) -> Perceptron:
    model = Perceptron(ModelConfig(learning_rate=learning_rate, margin_iterations=0), len(weights))
    model.weights.copy_(torch.tensor(weights))
    model.bias.fill_(bias)
    return model


def learned(model: Perceptron, x: list[float], sign: float) -> Tensor:
    """Weights and bias after one example."""
    model.learn(torch.tensor(x), torch.tensor(sign))
    return torch.cat([model.weights, model.bias[None]])


# score ----------------------------------------------------------------------------------------------------------------


def test_the_score_of_one_example_is_its_weighted_sum_and_the_bias() -> None:
    score = perceptron([2.0, -1.0, 0.5], bias=3.0).score(torch.tensor([1.0, 4.0, 2.0]))
    agree("the score of (1, 4, 2) with weights (2, -1, 0.5) and bias 3", score, 2.0, tolerance=1e-6, equation="(1)")


def test_a_batch_has_a_score_for_each_example() -> None:
    batch = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    scores = perceptron([2.0, -1.0], bias=0.5).score(batch)
    agree("the scores of (0, 0), (1, 0), (0, 1)", scores, [0.5, 2.5, -0.5], tolerance=1e-6, equation="(1)")


# correction -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_mistake_moves_the_weights_by_the_example_and_the_bias_by_one(sign: float) -> None:
    state = learned(perceptron([-1.0 * sign, 0.5], bias=0.0), [3.0, 2.0], sign)
    wanted = [-1.0 * sign + 3 * sign, 0.5 + 2 * sign, sign]
    agree(
        f"weights and bias after a mistake on (3, 2) with t = {sign:+g}", state, wanted, tolerance=1e-6, equation="(3)"
    )


def test_the_learning_rate_scales_the_correction() -> None:
    state = learned(perceptron([0.0, 0.0], bias=0.0, learning_rate=0.25), [4.0, 8.0], sign=1.0)
    agree("weights and bias after a mistake with η = 0.25", state, [1.0, 2.0, 0.25], tolerance=1e-6, equation="(3)")


def test_a_score_of_zero_counts_as_a_mistake() -> None:
    state = learned(perceptron([0.0, 0.0], bias=0.0), [3.0, 5.0], sign=-1.0)
    agree("weights and bias after a score of exactly 0", state, [-3.0, -5.0, -1.0], tolerance=1e-6, equation="(3)")


def test_a_right_answer_changes_nothing() -> None:
    model = perceptron([1.0, 0.0], bias=0.0)
    agree(
        "weights and bias after a right answer", learned(model, [2.0, 7.0], 1.0), [1, 0, 0], tolerance=0, equation="(3)"
    )
    assert int(model.mistakes) == 0, f"a right answer was counted: self.mistakes is {int(model.mistakes)}"


def test_every_mistake_is_counted_once() -> None:
    model = perceptron([0.0, 0.0], bias=0.0)
    for sign in (1.0, -1.0, 1.0):
        learned(model, [1.0, 1.0], sign)
    assert int(model.mistakes) == 3, f"expected 3 in self.mistakes after three mistakes, came {int(model.mistakes)}"


# criterion ------------------------------------------------------------------------------------------------------------


def test_an_example_on_its_side_costs_nothing() -> None:
    loss = criterion(torch.tensor([2.0, -3.0]), torch.tensor([1.0, -1.0]))
    agree("the criterion where all are right", loss, 0.0, tolerance=0, equation="(4)")


def test_an_example_on_the_wrong_side_costs_its_distance_in_score() -> None:
    loss = criterion(torch.tensor([-2.0]), torch.tensor([1.0]))
    agree("the criterion of a score of -2 for class +1", loss, 2.0, tolerance=1e-6, equation="(4)")


def test_the_criterion_is_a_mean_over_all_examples() -> None:
    loss = criterion(torch.tensor([-2.0, 5.0, 4.0, -1.0]), torch.tensor([1.0, 1.0, -1.0, -1.0]))
    agree("the criterion of four examples, two of them wrong by 2 and 4", loss, 1.5, tolerance=1e-6, equation="(4)")


# bound ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("radius", "margin", "bound"), [(3.0, 1.0, 9), (5.0, 2.0, 6), (2.0, 0.5, 16)])
def test_the_bound_is_the_square_of_radius_over_margin_rounded_down(radius: float, margin: float, bound: int) -> None:
    model = perceptron([0.0], bias=0.0)
    model.remember_margin(Margin(torch.tensor([1.0, 0.0], dtype=torch.float64), margin, radius))
    what = f"the bound on the mistakes for R = {radius:g} and γ = {margin:g}"
    agree(what, model.mistake_bound, bound, tolerance=0, equation="(5)")


def test_a_bound_that_is_a_whole_number_but_for_rounding_is_that_number() -> None:
    model = perceptron([0.0], bias=0.0)
    model.remember_margin(Margin(torch.tensor([1.0, 0.0], dtype=torch.float64), (1 / 17) ** 0.5, 3**0.5))
    agree("the bound for AND, with R² = 3 and γ² = 1/17", model.mistake_bound, 51, tolerance=0, equation="(5)")
