"""First weights: the distribution that each name promises, and why a deep network cares."""

import math
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter
from torch import Tensor

from activations import ACTIVATIONS
from config import InitialisationConfig
from initialisations import first_weights
from tests.support.agreement import agree

FAN_IN, FAN_OUT = 400, 250


def drawn(name: str, fan_in: int = FAN_IN, fan_out: int = FAN_OUT, **settings: Any) -> Tensor:
    torch.manual_seed(0)
    return first_weights(TypeAdapter(InitialisationConfig).validate_python({"name": name, **settings}), fan_in, fan_out)


@pytest.mark.parametrize(
    ("name", "settings", "sd", "largest"),
    [
        ("zeros", {}, 0.0, 0.0),
        ("normal", {"sd": 0.02}, 0.02, math.inf),
        ("uniform", {"limit": 0.3}, 0.3 / math.sqrt(3), 0.3),
        ("glorot", {}, math.sqrt(2 / (FAN_IN + FAN_OUT)), math.sqrt(6 / (FAN_IN + FAN_OUT))),
        ("he", {}, math.sqrt(2 / FAN_IN), math.inf),
    ],
)
def test_the_weights_have_the_spread_that_the_name_promises(
    name: str, settings: dict[str, float], sd: float, largest: float
) -> None:
    weights = drawn(name, **settings)
    assert weights.shape == (FAN_IN, FAN_OUT)
    agree("the mean", weights.mean(), 0.0, tolerance=0.01 * sd + 1e-12)
    agree("the standard deviation", weights.std(), sd, tolerance=0.01 * sd)
    assert float(weights.abs().max()) <= largest


@pytest.mark.parametrize(
    ("name", "fill"), [("glorot", torch.nn.init.xavier_uniform_), ("he", torch.nn.init.kaiming_normal_)]
)
def test_the_spread_is_that_of_torch(name: str, fill: Any) -> None:
    theirs = fill(torch.empty(FAN_OUT, FAN_IN))  # [units, units below], as in torch.nn
    agree("the standard deviation", drawn(name).std(), theirs.std(), tolerance=3e-4, against="torch.nn.init")


@pytest.mark.parametrize(("name", "activation", "stays"), [("he", "relu", True), ("glorot", "relu", False)])
def test_he_keeps_the_signal_through_thirty_layers_of_relu_and_glorot_does_not(
    name: str, activation: str, stays: bool
) -> None:
    generator = torch.Generator().manual_seed(1)
    a = torch.randn(200, 256, generator=generator)
    start = float(a.square().mean())
    for layer in range(30):
        torch.manual_seed(layer)
        weights = first_weights(TypeAdapter(InitialisationConfig).validate_python({"name": name}), 256, 256)
        a = ACTIVATIONS[activation].function(a @ weights)
    kept = float(a.square().mean()) / start
    assert (0.1 < kept < 10) if stays else kept < 1e-6
