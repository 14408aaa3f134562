"""What several test files of the chapter need. The chapter's modules can be imported only once its tests are collected,
so imports of them stand inside."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor

if TYPE_CHECKING:
    from model import MLP

Settings = dict[str, Any]

_OPTIMIZERS: dict[str, Settings] = {
    "sgd": {"lr": 0.1},
    "momentum": {"lr": 0.1, "mu": 0.9},
    "nesterov": {"lr": 0.1, "mu": 0.9},
    "adam": {"lr": 0.01, "betas": (0.9, 0.999), "eps": 1e-8},
    "adamw": {"lr": 0.01, "betas": (0.9, 0.999), "eps": 1e-8},
}


@pytest.fixture(scope="session")
def settings_of() -> Callable[..., Settings]:
    """The `model.optimizer` section of an optimizer: `settings_of("adam", weight_decay=0.1)`."""
    return lambda name, weight_decay=0.0: {"name": name, "weight_decay": weight_decay, **_OPTIMIZERS[name]}


@pytest.fixture(scope="session")
def torch_optimizer() -> Callable[[Settings, Any], torch.optim.Optimizer]:
    """The optimizer of torch.optim that such a section describes."""

    def make(settings: Settings, parameters: Any) -> torch.optim.Optimizer:
        given = dict(settings)
        name = given.pop("name")
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}.get(name, torch.optim.SGD)
        if "mu" in given:
            given |= {"momentum": given.pop("mu"), "nesterov": name == "nesterov"}
        return kind(parameters, **given)

    return make


@pytest.fixture(scope="session")
def network(settings_of: Callable[..., Settings]) -> Callable[..., "MLP"]:
    """Makes a network in float64, the same one at each call: `network((4, 8, 3), activation="relu")`."""

    def make(sizes: tuple[int, ...], regression: bool = False, optimizer: str = "sgd", **settings: Any) -> "MLP":
        from config import ModelConfig
        from model import MLP

        chosen = {
            "hidden": sizes[1:-1],
            "activation": "tanh",
            "output": "identity",
            "loss": "cross_entropy",
            "initialisation": {"name": "normal", "sd": 0.8},
            "optimizer": settings_of(optimizer),
            **settings,
        }
        torch.manual_seed(0)
        model = MLP(ModelConfig.model_validate(chosen), sizes[0], sizes[-1], regression).double()
        for layer in model.layers(model.theta):
            layer.bias.normal_(0, 0.3)  # zeros would hide a bias that is used wrongly
        return model

    return make


@pytest.fixture(scope="session")
def examples() -> Callable[..., tuple[Tensor, Tensor]]:
    """Random inputs, with random classes or numbers as their targets: `examples(8, (4, 6, 3))`."""

    def make(n: int, sizes: tuple[int, ...], regression: bool = False, seed: int = 1) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(seed)
        inputs = torch.randn(n, sizes[0], dtype=torch.float64, generator=generator)
        if regression:
            return inputs, torch.randn(n, sizes[-1], dtype=torch.float64, generator=generator)
        return inputs, torch.randint(sizes[-1], (n,), generator=generator)

    return make
