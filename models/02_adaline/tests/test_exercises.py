"""The hand-written parts, each on numbers that can be worked out on paper."""

import torch
from torch import Tensor

from config import ModelConfig
from least_squares import least_squares
from model import Adaline, losses
from tests.support.agreement import agree

POINTS = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
XOR = torch.tensor([0, 1, 1, 0])


def adaline(learning_rate: float, weights: list[float], bias: float) -> Adaline:
    config = ModelConfig(learning_rate=learning_rate, rate_unit="absolute", stability_curves=None)
    model = Adaline(config, len(weights), classes=True)
    model.weights.copy_(torch.tensor(weights))
    model.bias.fill_(bias)
    return model


def test_the_normal_equations_have_the_answer_known_for_xor() -> None:
    bowl = least_squares(POINTS, XOR.float())
    half, quarter = 1 / 2, 1 / 4
    correlation = [[half, quarter, half], [quarter, half, half], [half, half, 1.0]]
    agree("the correlation R", bowl.correlation, correlation, tolerance=1e-12, equation="(5)")
    agree("the optimum w̃*", bowl.optimum, [0, 0, half], tolerance=1e-12, equation="(6)")


def test_the_normal_equations_recover_a_line_without_noise() -> None:
    x = torch.tensor([[-1.0], [0.0], [2.0]])
    agree("the optimum w̃*", least_squares(x, 3 * x[:, 0] - 1).optimum, [3, -1], tolerance=1e-12, equation="(6)")


def test_the_score_is_a_weighted_sum_and_a_bias() -> None:
    scores = adaline(1.0, [2.0, -1.0], 0.5).score(POINTS)
    agree("the scores", scores, [0.5, -0.5, 2.5, 1.5], tolerance=1e-6, equation="(1)")


def corrected(batch: Tensor, targets: list[float]) -> Adaline:
    model = adaline(0.5, [1.0, 0.0], 0.0)
    errors = model.learn(batch, torch.tensor(targets, dtype=torch.float64))
    agree(
        "the errors", errors, torch.tensor(targets, dtype=torch.float64) - batch[:, 0], tolerance=1e-6, equation="(3)"
    )
    return model


def test_one_example_moves_the_weights_by_its_error() -> None:
    model = corrected(torch.tensor([[2.0, 3.0]]).double(), [1.0])  # s = 2, e = -1, η = 1/2
    agree("the weights", model.weights, [0.0, -1.5], tolerance=1e-6, equation="(3)")
    agree("the bias", model.bias, -0.5, tolerance=1e-6, equation="(3)")


def test_a_batch_moves_the_weights_by_its_mean() -> None:
    model = corrected(torch.tensor([[2.0, 3.0], [0.0, 1.0]]).double(), [1.0, 1.0])  # errors -1 and 1
    agree("the weights", model.weights, [0.5, -0.5], tolerance=1e-6, equation="(3)")
    agree("the bias", model.bias, 0.0, tolerance=1e-6, equation="(3)")


def test_a_right_answer_that_is_not_exactly_right_is_corrected_too() -> None:
    model = adaline(0.1, [1.0, 1.0], 0.0)
    model.learn(torch.ones(1, 2).double(), torch.ones(1).double())  # s = 2: class 1, and yet e = -1
    agree("the weights", model.weights, [0.9, 0.9], tolerance=1e-6, equation="(3)")


def test_the_loss_is_half_the_mean_square() -> None:
    found = losses(torch.tensor([1.0, -3.0, 2.0]))
    agree("the loss", found["loss"], 14 / 6, tolerance=1e-6, equation="(4)")
    agree("the mean squared error", found["squared_error"], 14 / 3, tolerance=1e-6, equation="(4)")


def test_the_misadjustment_is_that_of_widrow() -> None:
    model = adaline(0.2, [0.0, 0.0], 0.0)
    model.remember(least_squares(POINTS, XOR.float()))  # tr R = 1/2 + 1/2 + 1
    agree("the misadjustment", model.misadjustment(), 0.4 / 1.6, tolerance=1e-9, equation="(9)")
