"""Optimizers by hand: 100 steps beside torch.optim, and what sets each apart from the others."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter
from torch import Tensor, nn

from config import OptimizerConfig
from optimizers import build_optimizer
from tests.support.agreement import agree

Settings = Callable[..., dict[str, Any]]

NAMES = ["sgd", "momentum", "nesterov", "adam", "adamw"]
SIZE = 12


def built(settings: dict[str, Any]) -> Any:
    return build_optimizer(TypeAdapter(OptimizerConfig).validate_python(settings), SIZE).double()


def noisy_valley(theta: Tensor, seed: int) -> Tensor:
    """The gradient of a valley a thousand times as steep along one axis as along another, and noise on it."""
    noise = torch.randn(SIZE, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return torch.logspace(-3, 0, SIZE, dtype=torch.float64) * theta + 0.1 * noise


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("name", NAMES)
def test_a_hundred_steps_are_those_of_torch(
    settings_of: Settings, torch_optimizer: Callable[..., torch.optim.Optimizer], name: str, weight_decay: float
) -> None:
    settings = settings_of(name, weight_decay)
    start = torch.linspace(-2, 2, SIZE, dtype=torch.float64)
    theta, theirs = start.clone(), nn.Parameter(start.clone())
    ours, reference = built(settings), torch_optimizer(settings, [theirs])
    way, their_way = [], []
    for seed in range(100):
        ours.step(theta, noisy_valley(theta, seed))
        theirs.grad = noisy_valley(theirs.data, seed)
        reference.step()
        way.append(theta.clone())
        their_way.append(theirs.data.clone())
    what = f"θ after each of 100 steps of {name}"
    agree(what, torch.stack(way), torch.stack(their_way), tolerance=1e-10, against="torch.optim")


def test_momentum_reaches_speed_one_over_one_minus_mu(settings_of: Settings) -> None:
    optimizer, theta = built(settings_of("momentum")), torch.zeros(SIZE, dtype=torch.float64)
    for _ in range(300):
        optimizer.step(theta, torch.ones(SIZE, dtype=torch.float64))
    agree("the velocity under a gradient of 1", optimizer.velocity, [10.0] * SIZE, tolerance=1e-9, equation="(19)")


def test_the_first_step_of_adam_is_the_learning_rate_whatever_the_gradient(settings_of: Settings) -> None:
    optimizer, theta = built(settings_of("adam")), torch.zeros(SIZE, dtype=torch.float64)
    gradient = torch.logspace(-3, 3, SIZE, dtype=torch.float64)
    optimizer.step(theta, gradient)
    agree("the first step", theta, [-0.01] * SIZE, tolerance=1e-6, equation="(25)")


def test_the_decay_of_adamw_is_apart_from_the_gradient_and_that_of_adam_is_not(settings_of: Settings) -> None:
    after = {}
    for name in ("adam", "adamw"):
        optimizer, theta = built(settings_of(name, weight_decay=0.1)), torch.ones(SIZE, dtype=torch.float64)
        optimizer.step(theta, torch.zeros(SIZE, dtype=torch.float64))
        after[name] = theta
    agree("θ = 1 after a step of adamw without a gradient", after["adamw"], [0.999] * SIZE, tolerance=1e-12)
    agree("θ = 1 after a step of adam without a gradient", after["adam"], [0.99] * SIZE, tolerance=1e-6)


def test_the_update_is_made_in_place(settings_of: Settings) -> None:
    for name in NAMES:
        theta = torch.ones(SIZE, dtype=torch.float64)
        address = theta.data_ptr()
        built(settings_of(name)).step(theta, torch.ones(SIZE, dtype=torch.float64))
        assert theta.data_ptr() == address
        assert (theta != 1).all()
