"""A training step as a pure function: from weights, buffers and a batch to gradients and outputs.

Nothing in it depends on the model's own tensors, so it can be compiled, unrolled over several steps, or taken for
several replicas at once. See docs/architecture.md, "Several steps in one graph".
"""

from __future__ import annotations  # the compiler cannot evaluate them

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from data_utils.batches import Batch
from data_utils.splits import TensorSplit
from engine.checkpoint.file import digest
from engine.config import Adam, ExperimentConfig, OptimizerConfig, Sgd
from engine.loop.learner import Learner
from engine.loop.step import GradientStep
from utils.seeds import random_state, restore_random_state

Tensors = dict[str, Tensor]
Rule = Callable[[Tensor, Tensor, Tensors, Tensor], tuple[Tensor, Tensors]]
"""Weights, gradient, the optimizer's state of these weights, and the learning rate, to the new weights and state."""


class Functional:
    """The `training_step` of a model.

    Args:
        model: The model; its own tensors are neither read nor changed.
        replicas: With a number, every tensor has a first axis of that length, and each replica sees its row alone.
    """

    def __init__(self, model: nn.Module, replicas: int | None = None) -> None:
        self._module = _TrainingStep(model)
        self.leading = () if replicas is None else (replicas,)

    def outputs(self, parameters: Tensors, others: Tensors, batch: Batch) -> tuple[Tensors, Tensors]:
        """What `training_step` returns.

        Args:
            parameters: The weights that are trained.
            others: Buffers, and weights that are not trained.
            batch: The batch.

        Returns:
            The outputs, and `others` as the step left them.
        """
        call = vmap(self._call) if self.leading else self._call
        found: tuple[Tensors, Tensors] = call(parameters, others, batch)
        return found

    def gradients(self, parameters: Tensors, others: Tensors, batch: Batch) -> tuple[Tensors, Tensors, Tensors]:
        """The gradient of the loss by name, what `training_step` returned, and `others` as the step left them."""

        def loss(weights: Tensors) -> tuple[Tensor, tuple[Tensors, Tensors]]:
            outputs, after = self.outputs(weights, others, batch)
            return outputs["loss"].sum(), (outputs, after)  # the replicas have nothing in common but the sum

        found, (outputs, after) = grad(loss, has_aux=True)(parameters)
        return found, {name: value.detach() for name, value in outputs.items()}, after

    def norm(self, gradients: Tensors) -> Tensor:
        """The norm of the whole gradient, of each replica where there are several."""
        squares = [each.reshape(*self.leading, -1).square().sum(-1) for each in gradients.values()]
        return torch.stack(squares).sum(0).sqrt()

    def clipped(self, gradients: Tensors, norm: Tensor, largest: float) -> Tensors:
        """The gradients made shorter where their norm is above `largest`, as torch's `clip_grad_norm_` does it."""
        scale = (largest / (norm + 1e-6)).clamp(max=1.0)
        wide = len(self.leading)
        return {name: g * scale.reshape(*self.leading, *[1] * (g.dim() - wide)) for name, g in gradients.items()}

    def _call(self, parameters: Tensors, others: Tensors, batch: Batch) -> tuple[Tensors, Tensors]:
        after = {name: value.clone() for name, value in others.items()}  # a step may change these in place
        tensors = {f"model.{name}": value for name, value in (parameters | after).items()}
        outputs: Tensors = functional_call(self._module, tensors, (batch,))
        return outputs, after


class _TrainingStep(nn.Module):
    """`training_step` under the name that `functional_call` calls."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch) -> Tensors:
        return self.model.training_step(batch)  # type: ignore[operator]


def tensors_of(model: nn.Module) -> tuple[Tensors, Tensors]:
    """The weights that are trained, and all other tensors of the state: the storage is the model's own."""
    parameters = {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}
    frozen = {name: p.detach() for name, p in model.named_parameters() if not p.requires_grad}
    return parameters, frozen | dict(model.named_buffers())


def update_rule(config: OptimizerConfig) -> Rule:
    """One step of the optimizer for one tensor, as torch's optimizers take it; state has torch's names."""
    return _sgd(config) if isinstance(config, Sgd) else _adam(config)


def _sgd(config: Sgd) -> Rule:
    def rule(p: Tensor, g: Tensor, state: Tensors, rate: Tensor) -> tuple[Tensor, Tensors]:
        if config.weight_decay:
            g = g + config.weight_decay * p
        if not config.momentum:
            return p - rate.to(p.dtype) * g, {}
        velocity = config.momentum * state["momentum_buffer"] + g
        step = g + config.momentum * velocity if config.nesterov else velocity
        return p - rate.to(p.dtype) * step, {"momentum_buffer": velocity}

    return rule


def _adam(config: Adam) -> Rule:
    beta_1, beta_2 = config.betas

    def rule(p: Tensor, g: Tensor, state: Tensors, rate: Tensor) -> tuple[Tensor, Tensors]:
        if config.name == "adamw":
            p = p * (1 - rate * config.weight_decay).to(p.dtype)
        elif config.weight_decay:
            g = g + config.weight_decay * p
        step = state["step"] + 1
        mean = torch.lerp(state["exp_avg"], g, 1 - beta_1)
        square = beta_2 * state["exp_avg_sq"] + (1 - beta_2) * g * g
        t = step.double()  # 1 - 0.999 has five digits less in float32
        size = (rate / (1 - beta_1**t)).to(p.dtype)
        root = (1 - beta_2**t).sqrt().to(p.dtype)
        p = p - size * mean / (square.sqrt() / root + config.eps)
        return p, {"step": step, "exp_avg": mean, "exp_avg_sq": square}

    return rule


def state_of(optimizer: torch.optim.Optimizer, model: nn.Module) -> dict[str, Tensors]:
    """The optimizer's own state tensors, by the names of the weights that are trained."""
    return {
        name: {key: value for key, value in optimizer.state.get(p, {}).items() if isinstance(value, Tensor)}
        for name, p in model.named_parameters()
        if p.requires_grad
    }


def why_not_functional(config: ExperimentConfig, learner: Learner) -> str | None:
    """What in the config, the data or the machine rules out a step of this kind; None for nothing."""
    trainer = config.trainer
    if learner.world.size > 1:
        return "several processes share the training"
    if not isinstance(learner.train_step, GradientStep):
        return "the model makes its own update"
    if not isinstance(learner.batches.data, TensorSplit):
        return "the data is not in memory"
    if trainer.accumulate > 1:
        return f"trainer.accumulate is {trainer.accumulate}"
    if trainer.compile == "model":
        return "trainer.compile is model"
    if config.hardware.precision != "fp32":
        return f"hardware.precision is {config.hardware.precision}"
    if learner.hardware.device.type == "mps":
        return "the device is mps"
    return None


def why_not_pure(model: nn.Module, batch: Batch) -> str | None:
    """What keeps the `training_step` of `model` from being a pure function; None where nothing was found.

    It is tried on a copy of the model, which costs one forward and backward pass.
    """
    copy = deepcopy(model)
    before = random_state()
    outputs: dict[str, Any] = copy.training_step(batch)  # type: ignore[operator]
    outputs["loss"].backward()
    if digest(random_state()) != digest(before):
        restore_random_state(before)
        return "training_step makes random draws"
    for name, parameter in copy.named_parameters():
        if parameter.requires_grad and parameter.grad is None:
            return f"{name} has no part in the loss"
    return None
