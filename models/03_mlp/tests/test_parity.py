"""Parity: from the same weights, the network of torch.nn with autograd and torch.optim, and that of scikit-learn."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from sklearn.neural_network import MLPClassifier
from torch import Tensor, nn

from model import MLP
from tests.support.agreement import agree

Examples = Callable[..., tuple[Tensor, Tensor]]
Network = Callable[..., MLP]
Settings = Callable[..., dict[str, Any]]

SIZES = (5, 7, 6, 3)
DEPTHS = {"no hidden layer": (4, 3), "one hidden layer": (4, 6, 3), "three hidden layers": (4, 6, 5, 7, 3)}
# A loss with the output that goes with it, and whether targets are numbers.
HEADS = {
    "softmax and classes": ("cross_entropy", "identity", False),
    "squared error and classes": ("squared_error", "identity", False),
    "squared error, sigmoid, classes": ("squared_error", "sigmoid", False),
    "squared error and numbers": ("squared_error", "identity", True),
}
ACTIVATIONS: dict[str, type[nn.Module]] = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU}


def as_torch(model: MLP, activation: str, output: str = "identity") -> nn.Sequential:
    """A network of torch.nn with the weights of `model`."""
    parts: list[nn.Module] = []
    for below, units in pairwise(model.sizes):
        parts += [nn.Linear(below, units, dtype=model.theta.dtype), ACTIVATIONS[activation]()]
    parts[-1] = nn.Sigmoid() if output == "sigmoid" else nn.Identity()
    reference = nn.Sequential(*parts)
    for layer, linear in zip(model.layers(model.theta), linear_layers(reference), strict=True):
        linear.weight.data.copy_(layer.weights.T)
        linear.bias.data.copy_(layer.bias)
    return reference


def linear_layers(reference: nn.Sequential) -> list[nn.Linear]:
    return [part for part in reference if isinstance(part, nn.Linear)]


def weights_of(reference: nn.Sequential) -> Tensor:
    """All weights and biases, in the order of θ."""
    return torch.cat([torch.cat([part.weight.T.flatten(), part.bias]) for part in linear_layers(reference)]).detach()


def torch_loss(name: str, outputs: Tensor, targets: Tensor) -> Tensor:
    if name == "cross_entropy":
        return nn.functional.cross_entropy(outputs, targets)
    if not targets.is_floating_point():
        one_hot = nn.functional.one_hot(targets, max(2, outputs.shape[1])).to(outputs.dtype)
        targets = one_hot if outputs.shape[1] > 1 else one_hot[:, 1:]
    return nn.functional.mse_loss(outputs, targets, reduction="sum") / (2 * len(outputs))


def backpropagated(model: MLP, inputs: Tensor, targets: Tensor) -> Tensor:
    """The loss; its gradient is in the model afterwards."""
    activities = model(inputs)
    loss, slope = model.loss(activities[-1], targets)
    model.backward(activities, slope)
    return loss


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("head", HEADS)
def test_every_gradient_is_that_of_autograd(
    network: Network, examples: Examples, depth: str, activation: str, head: str
) -> None:
    sizes, (loss_name, output, regression) = DEPTHS[depth], HEADS[head]
    model = network(sizes, regression, activation=activation, loss=loss_name, output=output)
    inputs, targets = examples(11, sizes, regression)
    loss = backpropagated(model, inputs, targets)

    reference = as_torch(model, activation, output)
    outputs = reference(inputs)
    wanted = torch_loss(loss_name, outputs, targets)
    wanted.backward()
    agree("the outputs", model(inputs)[-1], outputs, tolerance=1e-12, equation="(2)", against="torch.nn")
    agree("the loss", loss, wanted, tolerance=1e-12, against="torch.nn.functional")
    gradients = zip(model.layers(model.gradient), linear_layers(reference), strict=True)
    for number, (gradient, linear) in enumerate(gradients, 1):
        assert linear.weight.grad is not None
        agree(
            f"the gradient of the weights of layer {number}",
            gradient.weights,
            linear.weight.grad.T,
            tolerance=1e-12,
            equation="(14)",
            against="torch autograd",
        )
        agree(
            f"the gradient of the biases of layer {number}",
            gradient.bias,
            linear.bias.grad,
            tolerance=1e-12,
            equation="(15)",
            against="torch autograd",
        )


def test_two_classes_under_the_squared_error_have_one_output(network: Network, examples: Examples) -> None:
    model = network((2, 3, 2), loss="squared_error")
    assert model.sizes == (2, 3, 1)
    inputs, targets = examples(6, (2, 3, 2))
    loss = backpropagated(model, inputs, targets)
    reference = as_torch(model, "tanh")
    wanted = torch_loss("squared_error", reference(inputs), targets)
    wanted.backward()
    agree("the loss", loss, wanted, tolerance=1e-12, equation="(10)")
    assert linear_layers(reference)[0].weight.grad is not None
    gradient = model.layers(model.gradient)[0].weights
    agree("the gradient", gradient, linear_layers(reference)[0].weight.grad.T, tolerance=1e-12, equation="(14)")


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adam", "adamw"])
@pytest.mark.parametrize(("activation", "loss_name"), [("tanh", "cross_entropy"), ("relu", "squared_error")])
def test_ten_steps_leave_the_weights_of_torch(
    network: Network,
    examples: Examples,
    settings_of: Settings,
    torch_optimizer: Callable[..., torch.optim.Optimizer],
    optimizer: str,
    activation: str,
    loss_name: str,
) -> None:
    model = network(SIZES, optimizer=optimizer, activation=activation, loss=loss_name)
    reference = as_torch(model, activation)
    theirs = torch_optimizer(settings_of(optimizer), reference.parameters())
    for seed in range(10):
        inputs, targets = examples(8, SIZES, seed=seed)
        theirs.zero_grad()
        loss = torch_loss(loss_name, reference(inputs), targets)
        loss.backward()
        theirs.step()
        found = model.training_step((inputs, targets), {})["loss"]
        agree("the loss before the step", found, loss, tolerance=1e-10, against="torch autograd and torch.optim")
    agree(
        f"the weights after ten steps of {optimizer}",
        model.theta,
        weights_of(reference),
        tolerance=1e-9,
        against="torch autograd and torch.optim",
    )


@pytest.mark.parametrize("activation", ["logistic", "tanh", "relu"])
def test_ten_steps_leave_the_weights_of_scikit_learn(network: Network, examples: Examples, activation: str) -> None:
    model = network(SIZES, activation={"logistic": "sigmoid"}.get(activation, activation))
    inputs, targets = examples(24, SIZES, seed=3)
    batches = [(inputs[i : i + 8], targets[i : i + 8]) for i in (0, 8, 16, 0, 8, 16, 0, 8, 16, 0)]

    reference = MLPClassifier(SIZES[1:-1], activation=activation, solver="sgd", alpha=0.0, momentum=0.0, shuffle=False)
    reference.set_params(learning_rate_init=0.1, batch_size=8)
    reference.partial_fit(inputs.numpy(), targets.numpy(), classes=[0, 1, 2])  # so that it has its shapes
    for ours, coefficients, intercepts in zip(
        model.layers(model.theta), reference.coefs_, reference.intercepts_, strict=True
    ):
        coefficients[:], intercepts[:] = ours.weights.numpy(), ours.bias.numpy()

    probabilities = torch.softmax(model(inputs)[-1], dim=1)
    agree(
        "the probabilities of the classes",
        probabilities,
        reference.predict_proba(inputs.numpy()),
        tolerance=1e-12,
        against="scikit-learn MLPClassifier",
    )
    for x, t in batches:
        before = [c.copy() for c in reference.coefs_]
        reference.partial_fit(x.numpy(), t.numpy())
        loss = model.training_step((x, t), {})["loss"]
        agree("the loss", loss, reference.loss_, tolerance=1e-10, against="scikit-learn MLPClassifier")
        for number, (gradient, old, new) in enumerate(
            zip(model.layers(model.gradient), before, reference.coefs_, strict=True), 1
        ):
            agree(
                f"the gradient of the weights of layer {number}",
                gradient.weights,
                (old - new) / 0.1,
                tolerance=1e-10,
                against="scikit-learn MLPClassifier",
            )
    for ours, coefficients, intercepts in zip(
        model.layers(model.theta), reference.coefs_, reference.intercepts_, strict=True
    ):
        agree("the weights", ours.weights, coefficients, tolerance=1e-10, against="scikit-learn MLPClassifier")
        agree("the biases", ours.bias, intercepts, tolerance=1e-10, against="scikit-learn MLPClassifier")
