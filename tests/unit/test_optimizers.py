"""Optimizers by name."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from engine.config import ExperimentConfig
from engine.optimizers import build_optimizers
from utils.errors import InputError

Experiment = Callable[..., ExperimentConfig]
SGD = {"name": "sgd", "lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}
ADAM = {"name": "adam", "lr": 0.01, "betas": [0.8, 0.9], "eps": 1e-7, "weight_decay": 0.01}


class Pair(nn.Module):
    """Two parts that learn against each other."""

    automatic_optimization = False

    def __init__(self) -> None:
        super().__init__()
        self.generator, self.critic = nn.Linear(2, 1), nn.Linear(3, 1)


@pytest.mark.parametrize(
    ("config", "kind"),
    [(SGD, torch.optim.SGD), (ADAM, torch.optim.Adam), ({**ADAM, "name": "adamw"}, torch.optim.AdamW)],
)
def test_an_optimizer_has_every_setting_of_its_config(
    experiment: Experiment, config: dict[str, Any], kind: type[torch.optim.Optimizer]
) -> None:
    model = nn.Linear(2, 1)
    (optimizer,) = build_optimizers(experiment(optimizer=config), model).values()
    assert type(optimizer) is kind
    (group,) = optimizer.param_groups
    assert group["params"] == list(model.parameters())
    for name, value in config.items():
        assert name == "name" or group[name] == (tuple(value) if isinstance(value, list) else value)


def test_each_named_submodule_may_have_an_optimizer_of_its_own(experiment: Experiment) -> None:
    model = Pair()
    optimizers = build_optimizers(experiment(optimizer=None, optimizers={"generator": ADAM, "critic": SGD}), model)
    assert {name: each.param_groups[0]["params"] for name, each in optimizers.items()} == {
        "generator": list(model.generator.parameters()),
        "critic": list(model.critic.parameters()),
    }


def test_a_model_that_updates_itself_needs_none(experiment: Experiment) -> None:
    assert build_optimizers(experiment(optimizer=None), Pair()) == {}


def test_a_model_that_learns_by_gradient_descent_needs_one(experiment: Experiment) -> None:
    with pytest.raises(InputError, match="choose an optimizer, such as optimizer=adam"):
        build_optimizers(experiment(optimizer=None), nn.Linear(2, 1))


def test_a_submodule_that_the_model_lacks_is_refused_with_the_closest_one(experiment: Experiment) -> None:
    with pytest.raises(InputError, match="unknown submodule in optimizers 'critics', did you mean 'critic'"):
        build_optimizers(experiment(optimizer=None, optimizers={"critics": SGD}), Pair())
