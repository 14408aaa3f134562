"""Optimizers by name."""

import copy
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

from engine.config import ExperimentConfig
from engine.loop.optimizers import build_optimizers
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
    assert isinstance(optimizer, kind) and type(optimizer).__name__ == kind.__name__
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


# ---- what is left out of torch's optimizers ------------------------------------------------------------------------

KINDS = pytest.mark.parametrize("config", [SGD, ADAM, {**ADAM, "name": "adamw"}], ids=lambda config: config["name"])


def trained(model: nn.Module, optimizer: torch.optim.Optimizer) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    for _ in range(5):
        optimizer.zero_grad()
        model(torch.randn(4, 2, generator=generator)).square().mean().backward()
        optimizer.step()
    return [parameter.detach() for parameter in model.parameters()]


def layer() -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(2, 1)


@KINDS
def test_an_optimizer_does_bit_for_bit_what_that_of_torch_does(experiment: Experiment, config: dict[str, Any]) -> None:
    ours, theirs = layer(), layer()
    (optimizer,) = build_optimizers(experiment(optimizer=config), ours).values()
    settings = {name: value for name, value in config.items() if name != "name"}
    plain = getattr(torch.optim, type(optimizer).__name__)(theirs.parameters(), fused=True, **settings)
    assert all(torch.equal(a, b) for a, b in zip(trained(ours, optimizer), trained(theirs, plain), strict=True))
    continued, state = layer(), copy.deepcopy(optimizer.state_dict())
    continued.load_state_dict(ours.state_dict())
    plain = type(plain)(continued.parameters(), fused=True, **settings)
    plain.load_state_dict(state)
    assert all(torch.equal(a, b) for a, b in zip(trained(ours, optimizer), trained(continued, plain), strict=True))


@KINDS
def test_hooks_and_the_profiler_see_every_step(experiment: Experiment, config: dict[str, Any]) -> None:
    model = layer()
    (optimizer,) = build_optimizers(experiment(optimizer=config), model).values()
    called: list[str] = []
    hooks = [
        optimizer.register_step_pre_hook(lambda *_: called.append("own")),
        register_optimizer_step_pre_hook(lambda *_: called.append("global")),
    ]
    trained(model, optimizer)
    for hook in hooks:
        hook.remove()
    assert sorted(called) == ["global"] * 5 + ["own"] * 5
    with torch.profiler.profile() as profile:
        trained(model, optimizer)
    label = f"Optimizer.step#{type(optimizer).__name__}.step"
    assert [event.count for event in profile.key_averages() if event.key == label] == [5]
    assert len(called) == 10


def test_a_training_does_not_import_the_compiler() -> None:
    """That alone would take as long as the import of torch."""
    code = """
import sys
import torch
from engine.loop.optimizers import _eager
layer = torch.nn.Linear(2, 1)
for kind in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW):
    optimizer = _eager(kind)(layer.parameters(), lr=0.1, fused=True)
    layer(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    optimizer.zero_grad()
    optimizer.load_state_dict(optimizer.state_dict())
sys.exit("torch._dynamo" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
