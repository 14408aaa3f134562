"""What several test files of the chapter need."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

Make = Callable[..., Any]


@pytest.fixture(scope="session")
def signs() -> Callable[..., Tensor]:
    """Makes random patterns of +1 and -1."""

    def make(n: int, units: int, seed: int = 0) -> Tensor:
        return torch.randint(2, (n, units), generator=torch.Generator().manual_seed(seed)) * 2.0 - 1

    return make


@pytest.fixture(scope="session")
def blank() -> Make:
    """Makes a network of so many units that has stored nothing, with settings of the model section as keywords."""
    from config import ModelConfig  # here, because the chapter can be imported only when its tests are collected
    from model import Hopfield

    def make(units: int, n_patterns: int = 8, seed: int = 0, **settings: Any) -> Hopfield:
        plain = {"storage": "hebbian", "order": "asynchronous", "beta": None, "sweeps": 50}
        asked = {"flipped": 0.1, "probes": 1, "spurious": False}
        return Hopfield(ModelConfig(**{**plain, **asked, **settings}), units, n_patterns, seed)

    return make


@pytest.fixture(scope="session")
def network(blank: Make) -> Make:
    """Makes a network that has stored `patterns`."""

    def make(patterns: Tensor, seed: int = 0, **settings: Any) -> Any:
        model = blank(patterns[0].numel(), len(patterns), seed, **settings)
        model.training_step((patterns, torch.arange(len(patterns))), {})
        return model

    return make
