"""A network as a whole: exact counts and identities, what it answers, and what it remembers."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from config import ModelConfig
from model import MLP
from tests.support.agreement import agree

Examples = Callable[..., tuple[Tensor, Tensor]]
Network = Callable[..., MLP]
Settings = Callable[..., dict[str, Any]]

SGD = {"name": "sgd", "lr": 0.1, "weight_decay": 0.0}


def mlp(hidden: list[int], n_features: int, n_outputs: int, regression: bool = False, **settings: Any) -> MLP:
    chosen = {"activation": "tanh", "output": "identity", "loss": "cross_entropy", "optimizer": SGD}
    chosen |= {"initialisation": {"name": "glorot"}, "hidden": hidden, **settings}
    return MLP(ModelConfig.model_validate(chosen), n_features, n_outputs, regression)


def test_784_300_10_has_the_parameters_of_the_literature() -> None:
    model = mlp([300], 784, 10)
    assert sum(parameter.numel() for parameter in model.parameters()) == 238_510 == 784 * 300 + 300 + 300 * 10 + 10


@pytest.mark.parametrize(("hidden", "count"), [([], 2 * 2 + 2), ([8], 24 + 18), ([8, 4], 24 + 36 + 10)])
def test_a_layer_has_a_weight_for_each_connection_and_a_bias_for_each_unit(hidden: list[int], count: int) -> None:
    assert sum(parameter.numel() for parameter in mlp(hidden, 2, 2).parameters()) == count


@pytest.mark.parametrize("classes", [2, 10])
def test_the_loss_of_a_network_that_knows_nothing_is_the_logarithm_of_the_classes(classes: int) -> None:
    model = mlp([16], 4, classes, initialisation={"name": "zeros"})
    found = model.evaluation_step((torch.randn(50, 4), torch.arange(50) % classes))
    agree("the first loss", found["loss"], math.log(classes), tolerance=1e-6, equation="(8)")


def test_units_that_start_alike_stay_alike() -> None:
    """Why weights start at random: from zeros, the network is a single unit for ever."""
    model = mlp([6], 4, 3, initialisation={"name": "normal", "sd": 1.0})
    first, second = model.layers(model.theta)
    first.weights.copy_(first.weights[:, :1].expand(4, 6))
    second.weights.copy_(second.weights[:1].expand(6, 3))
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        inputs = torch.randn(16, 4, generator=generator)
        model.training_step((inputs, torch.randint(3, (16,), generator=generator)), {})
    agree("the weights into six units", first.weights, first.weights[:, :1].expand(4, 6), tolerance=1e-5)


def test_images_are_flattened_and_answered_with_a_class_each() -> None:
    images, targets = torch.rand(5, 1, 28, 28), torch.tensor([0, 1, 2, 3, 9])
    model = mlp([30, 20], 784, 10)
    learned, evaluated = model.training_step((images, targets), {}), model.evaluation_step((images, targets))
    assert learned["loss"].shape == learned["gradient_norm"].shape == evaluated["loss"].shape == ()
    assert evaluated["predictions"].shape == (5,)
    assert set(evaluated["predictions"].tolist()) <= set(range(10))


def test_a_single_output_says_class_1_above_one_half() -> None:
    model = mlp([], 1, 2, loss="squared_error")
    (layer,) = model.layers(model.theta)
    layer.weights.fill_(1.0)
    inputs = torch.tensor([[0.4], [0.6]])
    assert model.evaluation_step((inputs, torch.tensor([0, 1])))["predictions"].tolist() == [0, 1]


def test_a_regression_predicts_numbers() -> None:
    model = mlp([4], 3, 2, regression=True, loss="squared_error")
    inputs, targets = torch.randn(6, 3), torch.randn(6, 2)
    found = model.evaluation_step((inputs, targets))
    assert torch.equal(found["predictions"], model(inputs)[-1])
    agree("the loss", found["loss"], (found["predictions"] - targets).square().sum() / 12, tolerance=1e-6)


def test_what_the_optimizer_remembers_is_in_the_state_dict_and_comes_back(settings_of: Settings) -> None:
    for name in ("sgd", "momentum", "nesterov", "adam", "adamw"):
        model, copy = (mlp([8], 4, 3, optimizer=settings_of(name)) for _ in range(2))
        batches = [(torch.randn(6, 4), torch.randint(3, (6,))) for _ in range(6)]
        for batch in batches[:3]:
            model.training_step(batch, {})
        copy.load_state_dict(model.state_dict())
        for batch in batches[3:]:
            model.training_step(batch, {})
            copy.training_step(batch, {})
        assert torch.equal(model.theta, copy.theta), name


def test_the_measures_tell_the_gradient_of_each_layer_once_there_is_one(network: Network, examples: Examples) -> None:
    model = network((4, 6, 3))
    assert set(model.measures()) == {"parameter_norm"}
    batch = examples(5, (4, 6, 3))
    norm = float(model.training_step(batch, {})["gradient_norm"])
    measured = model.measures()
    first, last = measured["gradient_norm_1"], measured["gradient_norm_2"]
    assert measured["gradient_ratio"] == pytest.approx(first / last)
    biases = [float(layer.bias.norm()) for layer in model.layers(model.gradient)]
    assert norm == pytest.approx(math.hypot(first, last, *biases))


@pytest.mark.parametrize(
    ("loss_name", "output"),
    [("cross_entropy", "identity"), ("squared_error", "identity"), ("squared_error", "sigmoid")],
)
def test_the_hidden_layer_is_read_out_by_a_line_that_gives_the_predictions(
    network: Network, examples: Examples, loss_name: str, output: str
) -> None:
    model = network((2, 5, 4, 2), loss=loss_name, output=output)
    data: dict[str, Any] = model.plot_data()
    inputs, targets = examples(40, (2, 5, 4, 2))
    heights = data["represent"](inputs.numpy()) @ data["readout_weights"] + data["readout_bias"]
    predictions = model.evaluation_step((inputs, targets))["predictions"].numpy()
    np.testing.assert_array_equal(heights > 0, predictions == 1)


@pytest.mark.parametrize("sizes", [(2, 2), (2, 5, 3)])
def test_without_a_hidden_layer_or_two_classes_there_is_no_such_line(network: Network, sizes: tuple[int, ...]) -> None:
    assert network(sizes).plot_data() == {}
