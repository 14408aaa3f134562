"""The step as a pure function: what it computes is what torch's optimizers and the plain step compute."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from engine.config import ExperimentConfig
from engine.device.hardware import Hardware
from engine.fast.functional_step import Functional, state_of, tensors_of, update_rule, why_not_pure
from engine.fast.multi_step import Carried, steps_in_a_row
from engine.loop.optimizers import build_optimizers
from engine.loop.step import GradientStep

Batch = tuple[Tensor, ...]

OPTIMIZERS: dict[str, dict[str, Any]] = {
    "sgd": {"name": "sgd", "lr": 0.05, "momentum": 0, "nesterov": False, "weight_decay": 0},
    "sgd with weight decay": {"name": "sgd", "lr": 0.05, "momentum": 0, "nesterov": False, "weight_decay": 0.01},
    "momentum": {"name": "sgd", "lr": 0.02, "momentum": 0.9, "nesterov": False, "weight_decay": 0.01},
    "nesterov": {"name": "sgd", "lr": 0.02, "momentum": 0.9, "nesterov": True, "weight_decay": 0},
    "adam": {"name": "adam", "lr": 0.001, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0},
    "adam with weight decay": {"name": "adam", "lr": 0.001, "betas": (0.9, 0.99), "eps": 1e-8, "weight_decay": 0.01},
    "adamw": {"name": "adamw", "lr": 0.001, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.1},
}


class Small(nn.Module):
    """A network with a buffer that each step changes."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.BatchNorm1d(4), nn.Linear(4, 1))

    def training_step(self, batch: Batch) -> dict[str, Tensor]:
        inputs, targets = batch
        return {"loss": (self.layers(inputs)[:, 0] - targets).square().mean()}


class Dropped(Small):
    """Draws at each step."""

    def training_step(self, batch: Batch) -> dict[str, Tensor]:
        return super().training_step((nn.functional.dropout(batch[0]), batch[1]))


class Idle(Small):
    """Has a weight that does nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.idle = nn.Parameter(torch.zeros(2))


def model(kind: type[Small] = Small, seed: int = 0) -> Small:
    torch.manual_seed(seed)
    return kind()


def batches(n: int) -> list[Batch]:
    generator = torch.Generator().manual_seed(0)
    return [(torch.randn(6, 3, generator=generator), torch.randn(6, generator=generator)) for _ in range(n)]


@pytest.mark.parametrize(
    ("name", "clip", "tens"),
    [(name, None, 5) for name in OPTIMIZERS] + [("momentum", 0.1, 5), ("adamw", 0.1, 100)],
)
def test_pure_steps_end_where_ordinary_ones_do(
    name: str, clip: float | None, tens: int, experiment: Callable[..., ExperimentConfig], cpu: Hardware
) -> None:
    config = experiment(optimizer=OPTIMIZERS[name], trainer={"clip_norm": clip})
    ordinary, pure = model(), model()
    optimizers = build_optimizers(config, ordinary)
    step = GradientStep(ordinary, optimizers["all"], cpu, clip)
    few = batches(10)

    own = build_optimizers(config, pure)
    GradientStep(pure, own["all"], cpu, clip)([few[0]], 1.0, want_norm=False)  # makes the optimizer's state
    step([few[0]], 1.0, want_norm=False)
    carried = Carried(*tensors_of(pure), state_of(own["all"], pure), {})
    several = steps_in_a_row(config, Functional(pure))
    assert config.optimizer is not None
    for chunk in range(tens):
        rates = [1.0 / (1 + 0.01 * (10 * chunk + number)) for number in range(10)]
        schedules = torch.tensor([[config.optimizer.lr * rate, 0, 1] for rate in rates], dtype=torch.float64).unbind()
        with torch.no_grad():
            outputs = several(carried, few, schedules)
        expected = [step([batch], rate, want_norm=True)[0] for batch, rate in zip(few, rates, strict=True)]
        for ours, theirs in zip(outputs, expected, strict=True):
            assert ours.keys() == theirs.keys()
            torch.testing.assert_close(ours["loss"], theirs["loss"], rtol=1e-4, atol=1e-5)
    for key, value in ordinary.state_dict().items():
        torch.testing.assert_close(pure.state_dict()[key], value, rtol=1e-5, atol=1e-5)
    assert optimizers["all"].state_dict().keys() == own["all"].state_dict().keys()


def test_a_step_that_only_fills_up_the_graph_changes_nothing(experiment: Callable[..., ExperimentConfig]) -> None:
    config = experiment()
    pure = model()
    before = copy.deepcopy(pure.state_dict())
    carried = Carried(*tensors_of(pure), {name: {} for name, _ in pure.named_parameters()}, {})
    with torch.no_grad():
        steps_in_a_row(config, Functional(pure))(carried, batches(1), [torch.zeros(3, dtype=torch.float64)])
    assert all(torch.equal(before[name], value) for name, value in pure.state_dict().items())


def test_replicas_have_nothing_in_common() -> None:
    models = [model(seed=seed) for seed in (1, 2, 3)]
    few = batches(3)
    named = [tensors_of(each) for each in models]
    stacked = [{name: torch.stack([each[k][name] for each in named]) for name in named[0][k]} for k in (0, 1)]
    joined = tuple(torch.stack(parts) for parts in zip(*few, strict=True))
    gradients, outputs, after = Functional(models[0], 3).gradients(*stacked, joined)
    for number, each in enumerate(models):
        alone, own, buffers = Functional(each).gradients(*named[number], few[number])
        torch.testing.assert_close(outputs["loss"][number], own["loss"])
        for name, gradient in alone.items():
            torch.testing.assert_close(gradients[name][number], gradient, rtol=1e-5, atol=1e-6)
        for name, value in buffers.items():
            torch.testing.assert_close(after[name][number], value)


def test_norm_and_clipping_are_of_each_replica() -> None:
    functional = Functional(model(), 2)
    gradients = {"a": torch.tensor([[3.0], [0.3]]), "b": torch.tensor([4.0, 0.4])}
    norm = functional.norm(gradients)
    torch.testing.assert_close(norm, torch.tensor([5.0, 0.5]))
    clipped = functional.clipped(gradients, norm, 1.0)
    torch.testing.assert_close(functional.norm(clipped), torch.tensor([1.0, 0.5]))


@pytest.mark.parametrize(
    ("kind", "reason"),
    [(Small, None), (Dropped, "training_step makes random draws"), (Idle, "idle has no part in the loss")],
)
def test_what_keeps_a_step_from_being_pure_is_found_and_leaves_no_trace(kind: type[Small], reason: str | None) -> None:
    tried = model(kind)
    before, draws = copy.deepcopy(tried.state_dict()), torch.get_rng_state()
    assert why_not_pure(tried, batches(1)[0]) == reason
    assert all(torch.equal(before[name], value) for name, value in tried.state_dict().items())
    assert torch.equal(draws, torch.get_rng_state())


def test_a_rule_leaves_a_single_number_in_its_own_precision(experiment: Callable[..., ExperimentConfig]) -> None:
    for settings in OPTIMIZERS.values():
        config = experiment(optimizer=settings).optimizer
        assert config is not None
        state = {name: torch.zeros(()) for name in ("step", "exp_avg", "exp_avg_sq", "momentum_buffer")}
        p, after = update_rule(config)(torch.ones(()), torch.ones(()), state, torch.tensor(0.1, dtype=torch.float64))
        assert {value.dtype for value in (p, *after.values())} == {torch.float32}
