"""Backpropagation: every gradient against central differences in float64, and the pieces that it is made of."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from activations import ACTIVATIONS
from losses import cross_entropy, squared_error
from model import MLP
from tests.support.agreement import agree

Examples = Callable[..., tuple[Tensor, Tensor]]
Network = Callable[..., MLP]

# A loss with the output that goes with it, and whether targets are numbers.
HEADS = [
    ("cross_entropy", "identity", False),
    ("squared_error", "identity", False),
    ("squared_error", "sigmoid", False),
    ("squared_error", "identity", True),
]


def backpropagated(model: MLP, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """The loss, and its gradient as one vector."""
    activities = model(inputs)
    loss, slope = model.loss(activities[-1], targets)
    model.backward(activities, slope)
    return loss, model.gradient.clone()


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize(("loss_name", "output", "regression"), HEADS)
def test_every_gradient_is_a_central_difference(
    network: Network, examples: Examples, activation: str, loss_name: str, output: str, regression: bool
) -> None:
    sizes = (3, 5, 4, 2)
    model = network(sizes, regression, activation=activation, loss=loss_name, output=output)
    inputs, targets = examples(7, sizes, regression)
    _, gradient = backpropagated(model, inputs, targets)

    start, h, differences = model.theta.clone(), 1e-6, []
    for i in range(len(start)):
        sides = []
        for direction in (1, -1):
            model.theta.copy_(start)
            model.theta[i] += direction * h
            sides.append(model.loss(model(inputs)[-1], targets)[0])
        differences.append((sides[0] - sides[1]) / (2 * h))
    agree("the gradient", gradient, torch.stack(differences), tolerance=1e-8, against="central differences")


def test_the_loss_is_a_mean_so_a_batch_of_twins_has_the_gradient_of_one(network: Network, examples: Examples) -> None:
    model = network((4, 6, 3))
    inputs, targets = examples(1, (4, 6, 3))
    alone = backpropagated(model, inputs, targets)
    twins = backpropagated(model, inputs.repeat(5, 1), targets.repeat(5))
    agree("the loss of five equal examples", twins[0], alone[0], tolerance=1e-12)
    agree("the gradient of five equal examples", twins[1], alone[1], tolerance=1e-12)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_derivative_is_the_slope_of_its_function(name: str) -> None:
    z = torch.linspace(-3, 3, 40, dtype=torch.float64)[:, None]  # an even number of points: none lies on relu's corner
    function, derivative = ACTIVATIONS[name]
    slope = (function(z + 1e-6) - function(z - 1e-6)) / 2e-6
    agree(f"the derivative of {name}", derivative(function(z)), slope, tolerance=1e-8, against="central differences")


def test_no_activation_overflows() -> None:
    z = torch.tensor([[-1e4, -50.0, 0.0, 50.0, 1e4]])
    for function, derivative in ACTIVATIONS.values():
        assert torch.isfinite(function(z)).all()
        assert torch.isfinite(derivative(function(z))).all()


def test_the_cross_entropy_of_outputs_however_large_is_finite_and_its_slopes_sum_to_zero() -> None:
    outputs = torch.tensor([[1e4, 0.0, -1e4], [1.0, 2.0, 3.0]])
    loss, slope = cross_entropy(outputs, torch.tensor([0, 2]))
    assert torch.isfinite(loss)
    agree("the sum of an example's slopes", slope.sum(dim=1), [0, 0], tolerance=1e-6, equation="(9)")


def test_the_squared_error_worked_by_hand() -> None:
    outputs, targets = torch.tensor([[1.0, 2.0], [3.0, 5.0]]), torch.tensor([[0.0, 2.0], [1.0, 4.0]])
    loss, slope = squared_error(outputs, targets)
    agree("the loss", loss, (1 + 0 + 4 + 1) / 4, tolerance=0, equation="(10)")
    agree("its slope", slope, [[0.5, 0], [1, 0.5]], tolerance=0, equation="(11)")


def test_nothing_is_differentiated(network: Network, examples: Examples) -> None:
    model = network((4, 6, 3))
    assert not any(parameter.requires_grad for parameter in model.parameters())
    model.training_step(examples(5, (4, 6, 3)), {})
    assert model.theta.grad is None


def test_the_example_of_the_deep_dive_is_as_it_was_worked_by_hand(network: Network) -> None:
    model = network((2, 2, 1), regression=True, activation="relu", loss="squared_error")
    hidden, top = model.layers(model.theta)
    hidden.weights.copy_(torch.tensor([[1, -1], [2, -1]]))
    hidden.bias.copy_(torch.tensor([0, 1]))
    top.weights.copy_(torch.tensor([[2], [5]]))
    top.bias.fill_(-4)
    one = torch.ones(1, 2, dtype=torch.float64)
    loss, gradient = backpropagated(model, one, torch.zeros(1, 1, dtype=torch.float64))
    agree("the loss", loss, 2, tolerance=1e-12, equation="(10)")
    agree("W1, b1, W2 and b2 of the gradient", gradient, [4, 0, 4, 0, 4, 0, 6, 0, 2], tolerance=1e-12)
