"""What grades the exercises, part by part, by numbers that can be checked on paper; no test needs a later part."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter
from torch import Tensor

from activations import relu_derivative, sigmoid, sigmoid_derivative, tanh_derivative
from config import InitialisationConfig, OptimizerConfig
from initialisations import first_weights
from losses import cross_entropy, squared_error
from model import MLP, Layer
from optimizers import build_optimizer
from tests.support.agreement import agree

Network = Callable[..., MLP]
Settings = Callable[..., dict[str, Any]]


def matrix(*rows: list[float]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def test_the_sigmoid_is_a_half_at_zero_and_three_quarters_at_the_logarithm_of_three() -> None:
    z = matrix([0.0, math.log(3), -math.log(3)])
    agree("the sigmoid of 0, log 3 and -log 3", sigmoid(z), [[0.5, 0.75, 0.25]], tolerance=1e-12, equation="(3)")


def test_the_slope_of_the_sigmoid_is_largest_in_the_middle() -> None:
    a = matrix([0.5, 0.75, 0.25, 1.0])
    wanted = [[0.25, 0.1875, 0.1875, 0.0]]
    agree("the slope at a = 1/2, 3/4, 1/4, 1", sigmoid_derivative(a), wanted, tolerance=1e-12, equation="(4)")


def test_the_slope_of_tanh_is_one_in_the_middle_and_zero_at_the_ends() -> None:
    a = matrix([0.0, 0.5, -0.5, 1.0])
    agree("the slope at a = 0, 1/2, -1/2, 1", tanh_derivative(a), [[1.0, 0.75, 0.75, 0.0]], tolerance=0, equation="(5)")


def test_the_slope_of_relu_is_one_where_the_unit_is_active() -> None:
    a = matrix([0.0, 0.5, 3.0])
    agree("the slope at a = 0, 1/2, 3", relu_derivative(a), [[0.0, 1.0, 1.0]], tolerance=0, equation="(6)")


@pytest.mark.parametrize(("name", "equation", "variance"), [("glorot", "(16)", 2 / 500), ("he", "(17)", 2 / 400)])
def test_first_weights_have_the_variance_of_the_paper(name: str, equation: str, variance: float) -> None:
    torch.manual_seed(0)
    weights = first_weights(TypeAdapter(InitialisationConfig).validate_python({"name": name}), 400, 100)
    agree(
        f"the variance of weights named {name}", weights.var(), variance, tolerance=0.03 * variance, equation=equation
    )
    agree("their mean", weights.mean(), 0.0, tolerance=0.001, equation=equation)


def small(network: Network, **settings: Any) -> MLP:
    """Two inputs, two hidden units, two outputs, with weights that can be multiplied in one's head."""
    model = network((2, 2, 2), **settings)
    hidden, top = model.layers(model.theta)
    hidden.weights.copy_(matrix([1, 2], [3, -1]))
    hidden.bias.copy_(matrix([0.5, 0.0])[0])
    top.weights.copy_(matrix([1, 0], [2, 1]))
    top.bias.copy_(matrix([0.0, -1.0])[0])
    return model


def test_a_batch_goes_up_layer_by_layer(network: Network) -> None:
    activities = small(network, activation="relu")(matrix([1, 1], [0, 2]))
    assert len(activities) == 3, f"expected the input and two layers, came {len(activities)} activities"
    agree("the activities of the hidden layer", activities[1], [[4.5, 1], [6.5, 0]], tolerance=1e-12, equation="(2)")
    agree("the outputs", activities[2], [[6.5, 0], [6.5, -1]], tolerance=1e-12, equation="(2)")


def test_the_cross_entropy_of_two_examples_worked_by_hand() -> None:
    outputs = matrix([0.0, math.log(3)], [0.0, 0.0])  # p = (1/4, 3/4) and (1/2, 1/2)
    loss, slope = cross_entropy(outputs, torch.tensor([0, 1]))
    agree("the loss", loss, (math.log(4) + math.log(2)) / 2, tolerance=1e-12, equation="(8)")
    wanted = [[-3 / 8, 3 / 8], [1 / 4, -1 / 4]]
    agree("the slope of the loss", slope, wanted, tolerance=1e-12, equation="(9)")


def test_large_outputs_do_not_overflow() -> None:
    loss, _ = cross_entropy(matrix([1000.0, 0.0]), torch.tensor([1]))
    agree("the loss of outputs 1000 and 0 for class 1", loss, 1000.0, tolerance=1e-9, equation="(7)")


def test_the_squared_error_of_two_examples_worked_by_hand() -> None:
    loss, slope = squared_error(matrix([1.0, 2.0], [3.0, 5.0]), matrix([0.0, 2.0], [1.0, 4.0]))
    agree("the loss", loss, (1 + 0 + 4 + 1) / 4, tolerance=1e-12, equation="(10)")
    agree("the slope of the loss", slope, [[0.5, 0], [1, 0.5]], tolerance=1e-12, equation="(11)")


def test_the_gradient_of_a_layer_is_activities_times_deltas(network: Network) -> None:
    gradient = Layer(torch.full((3, 2), 9.0, dtype=torch.float64), torch.full((2,), 9.0, dtype=torch.float64))
    network((2, 2)).fill(gradient, matrix([1, 2, 3], [4, 5, 6]), matrix([1, 0], [2, -1]))
    wanted = [[9, -4], [12, -5], [15, -6]]
    agree("the gradient of the weights", gradient.weights, wanted, tolerance=1e-12, equation="(14)")
    agree("the gradient of the biases", gradient.bias, [3, -1], tolerance=1e-12, equation="(15)")


def test_delta_goes_back_through_the_weights_and_the_slope(network: Network) -> None:
    delta, weights, below = matrix([1, 2]), matrix([1, 3], [2, 0], [5, 1]), matrix([0.5, 0.0, 1.0])
    found = network((2, 2), activation="tanh").pass_back(delta, weights, below)
    # δ Wᵀ = (7, 2, 7), and the slopes of tanh at these activities are 3/4, 1, 0
    agree("δ of the layer below", found, [[5.25, 2, 0]], tolerance=1e-12, equation="(13)")


def test_delta_starts_at_the_output_with_its_slope(network: Network) -> None:
    model = network((2, 2), output="sigmoid", loss="squared_error")  # two classes: one output
    model.backward([matrix([1, 2]), matrix([0.75])], matrix([4.0]))
    (gradient,) = model.layers(model.gradient)
    agree("the gradient of the biases, which is δ here", gradient.bias, [0.75], tolerance=1e-12, equation="(12)")


def stepped(settings: dict[str, Any], *gradients: float) -> list[float]:
    """θ after each of some steps from θ = 1 with these gradients."""
    optimizer = build_optimizer(TypeAdapter(OptimizerConfig).validate_python(settings), 1).double()
    theta, seen = torch.ones(1, dtype=torch.float64), []
    for gradient in gradients:
        optimizer.step(theta, torch.tensor([gradient], dtype=torch.float64))
        seen.append(float(theta))
    return seen


def test_sgd_goes_down_the_gradient(settings_of: Settings) -> None:
    agree(
        "θ after gradients of 1 and -2",
        stepped(settings_of("sgd"), 1, -2),
        [0.9, 1.1],
        tolerance=1e-12,
        equation="(18)",
    )


def test_momentum_keeps_nine_tenths_of_its_speed(settings_of: Settings) -> None:
    # v = 1, then 0.9 + 1 = 1.9, then 1.71
    found = stepped(settings_of("momentum"), 1, 1, 0)
    agree("θ after gradients of 1, 1 and 0", found, [0.9, 0.71, 0.539], tolerance=1e-12, equation="(20)")


def test_nesterov_looks_a_step_ahead(settings_of: Settings) -> None:
    # g + 0.9 v is 1 + 0.9, then 1 + 0.9 * 1.9, then 0 + 0.9 * 1.71
    found = stepped(settings_of("nesterov"), 1, 1, 0)
    agree("θ after gradients of 1, 1 and 0", found, [0.81, 0.539, 0.3851], tolerance=1e-12, equation="(21)")


def test_the_first_step_of_adam_has_the_length_of_the_rate(settings_of: Settings) -> None:
    found = [stepped(settings_of("adam"), gradient)[0] for gradient in (1e-3, 1.0, -50.0)]
    agree("θ after a gradient of 0.001, 1 and -50", found, [0.99, 0.99, 1.01], tolerance=1e-6, equation="(25)")


def test_adam_divides_by_the_root_of_the_mean_square(settings_of: Settings) -> None:
    # m = 0.1, then 0.09 - 0.1 * 2 = -0.11, over 1 - 0.9²; s = 0.001, then 0.000999 + 0.004, over 1 - 0.999²
    second = 0.99 - 0.01 * (-0.11 / 0.19) / math.sqrt(0.004999 / 0.001999)
    agree(
        "θ after gradients of 1 and -2",
        stepped(settings_of("adam"), 1, -2),
        [0.99, second],
        tolerance=1e-8,
        equation="(25)",
    )
