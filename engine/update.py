"""One step of learning: the same short sequence whatever is being learned."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from data_utils.batches import Batch
from engine.config import ExperimentConfig
from engine.hardware import Hardware
from utils.errors import InputError

Outputs = dict[str, Tensor]


class GradientStep:
    """An optimizer update, in one order: loss, backward, unscale, norm, clip, step.

    The loss of a step is the mean over its items, however many forward passes they are spread over. Items are examples,
    unless `training_step` returns a count as `"items"` (such as the tokens that are not padding).
    """

    def __init__(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, hardware: Hardware, clip_norm: float | None
    ) -> None:
        self.model, self.optimizer, self.hardware, self.clip_norm = model, optimizer, hardware, clip_norm
        self.parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        self.base_rates = [group["lr"] for group in optimizer.param_groups]
        self.training_step: Callable[[Batch], Outputs] = model.training_step  # type: ignore[assignment]

    def __call__(self, batches: Sequence[Batch], rate_factor: float, want_norm: bool) -> list[Outputs]:
        """Learn from `batches` together.

        Args:
            batches: The forward passes of this step.
            rate_factor: The schedule's factor on the learning rates.
            want_norm: Measure the gradient's norm even where nothing is clipped.

        Returns:
            What `training_step` gave for each batch, detached; the first also has `gradient_norm`, taken before
            clipping, where it was measured.
        """
        scaler = self.hardware.scaler
        outputs = self._backward(batches)
        scaler.unscale_(self.optimizer)
        if want_norm or self.clip_norm is not None:
            gradients = [parameter.grad for parameter in self.parameters if parameter.grad is not None]
            norm = nn.utils.get_total_norm(gradients)
            if self.clip_norm is not None:
                nn.utils.clip_grads_with_norm_(self.parameters, self.clip_norm, norm)
            outputs[0]["gradient_norm"] = norm
        for group, base in zip(self.optimizer.param_groups, self.base_rates, strict=True):
            group["lr"] = base * rate_factor
        scaler.step(self.optimizer)
        scaler.update()
        self.optimizer.zero_grad()
        return outputs

    def _backward(self, batches: Sequence[Batch]) -> list[Outputs]:
        """Leave in `.grad` the gradient of the mean loss over all items of `batches`."""
        outputs: list[Outputs] = []
        expected: Any = None
        total: Any = torch.tensor(0)
        for batch in batches:
            with self.hardware.autocast():
                output = self.training_step(batch)
            loss = output["loss"]
            if len(batches) > 1:
                items = torch.as_tensor(output.get("items", len(batch[0])))
                expected = items.clamp(min=1) * len(batches) if expected is None else expected
                total = total + items
                loss = loss * (items / expected)
            self.hardware.scaler.scale(loss).backward()
            outputs.append({name: value.detach() for name, value in output.items()})
        if len(batches) > 1:  # passes of unequal size: the weights were guessed from the first and are set right here
            for parameter in self.parameters:
                if parameter.grad is not None:
                    parameter.grad.mul_(expected / total.clamp(min=1))
        return outputs


class OwnStep:
    """A step of a model that makes its own update: a learning rule by hand, or a game of several optimizers."""

    def __init__(self, model: nn.Module, optimizers: dict[str, torch.optim.Optimizer], hardware: Hardware) -> None:
        self.optimizers, self.hardware = optimizers, hardware
        self.base_rates = {name: [group["lr"] for group in each.param_groups] for name, each in optimizers.items()}
        self.training_step: Callable[..., Outputs] = model.training_step  # type: ignore[assignment]

    def __call__(self, batches: Sequence[Batch], rate_factor: float, want_norm: bool) -> list[Outputs]:
        """Let the model learn from the one batch of this step; see `GradientStep.__call__`."""
        for name, optimizer in self.optimizers.items():
            for group, base in zip(optimizer.param_groups, self.base_rates[name], strict=True):
                group["lr"] = base * rate_factor
        (batch,) = batches
        with self.hardware.autocast():
            output = self.training_step(batch, self.optimizers)
        return [{name: value.detach() for name, value in output.items()}]


def build_update(
    config: ExperimentConfig, model: nn.Module, optimizers: dict[str, torch.optim.Optimizer], hardware: Hardware
) -> GradientStep | OwnStep:
    """The kind of step that the model learns by.

    Raises:
        InputError: The model makes its own update, and the config asks the engine to accumulate or to clip.
    """
    if getattr(model, "automatic_optimization", True):
        return GradientStep(model, optimizers["all"], hardware, config.trainer.clip_norm)
    if config.trainer.accumulate > 1 or config.trainer.clip_norm is not None:
        raise InputError("this model makes its own update: trainer.accumulate must be 1 and trainer.clip_norm null")
    return OwnStep(model, optimizers, hardware)
