"""One step of learning: the same short sequence whatever is being learned."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from data_utils.batches import Batch
from engine.config import ExperimentConfig
from engine.device.hardware import Hardware
from utils.errors import InputError

Outputs = dict[str, Tensor]


@runtime_checkable
class Update(Protocol):
    """A step of learning."""

    def __call__(self, batches: Sequence[Batch], rate_factor: float, want_norm: bool) -> list[Outputs]:
        """Learn from `batches` together; see `GradientStep.__call__`."""


class LearningRates:
    """The learning rates of an optimizer, and the factor that a schedule puts on them."""

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self.optimizer = optimizer
        self.base = [group["lr"] for group in optimizer.param_groups]
        self._factor: float | None = None  # what the optimizer has now
        optimizer.register_load_state_dict_post_hook(self._forget)

    def scale(self, factor: float) -> None:
        """Set every rate to `factor` times its base."""
        if factor != self._factor:
            for group, base in zip(self.optimizer.param_groups, self.base, strict=True):
                group["lr"] = base * factor
            self._factor = factor

    def _forget(self, _: torch.optim.Optimizer) -> None:
        """A state that was restored brings rates of its own."""
        self._factor = None


class GradientStep:
    """An optimizer update, in one order: loss, backward, unscale, norm, clip, step.

    The loss of a step is the mean over its items, however many forward passes they are spread over. Items are examples,
    unless `training_step` returns a count as `"items"` (such as the tokens that are not padding).
    """

    def __init__(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, hardware: Hardware, clip_norm: float | None
    ) -> None:
        self.optimizer, self.clip_norm = optimizer, clip_norm
        self.scaler = hardware.scaler if hardware.scaler.is_enabled() else None
        if self.scaler is not None:
            _begin_momentum(optimizer)
        self.parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        self.rates = LearningRates(optimizer)
        self.training_step: Callable[[Batch], Outputs] = hardware.cast(model.training_step)  # type: ignore[arg-type]

    def __call__(self, batches: Sequence[Batch], rate_factor: float, want_norm: bool) -> list[Outputs]:
        """Learn from `batches` together.

        Args:
            batches: The forward passes of this step.
            rate_factor: The schedule's factor on the learning rates.
            want_norm: Measure the gradient's norm even where nothing is clipped.

        Returns:
            What `training_step` gave for each batch, detached; the first also has `gradient_norm`, taken before
            clipping, where it was measured. With a loss scale (fp16) it has `skipped_steps`, 1 where the scaled
            gradient overflowed and the weights were left alone, and where the norm is wanted also `loss_scale`.
        """
        self.rates.scale(rate_factor)
        outputs = self._gradients(batches)
        if self.scaler is not None:
            self.scaler.unscale_(self.optimizer)
            overflows = self.scaler._found_inf_per_device(self.optimizer)
            outputs[0]["skipped_steps"] = torch.stack(list(overflows.values())).amax()
            if want_norm:
                outputs[0]["loss_scale"] = torch.tensor(self.scaler.get_scale())
        if want_norm or self.clip_norm is not None:
            outputs[0]["gradient_norm"] = self._clip()
        if self.scaler is not None:
            self.scaler.step(self.optimizer)
            self.scaler.update()
        else:
            self.optimizer.step()
        for parameter in self.parameters:  # what zero_grad does, without the time it takes to tell the profiler
            parameter.grad = None
        return outputs

    def _gradients(self, batches: Sequence[Batch]) -> list[Outputs]:
        """Leave in `.grad` the gradient of the mean loss over all items of `batches`."""
        if len(batches) > 1:
            return self._accumulate(batches)
        output = self.training_step(batches[0])
        return [self._backward(output, output["loss"])]

    def _backward(self, output: Outputs, loss: Tensor) -> Outputs:
        """Add the gradient of `loss` to `.grad`; returns `output` detached."""
        (loss if self.scaler is None else self.scaler.scale(loss)).backward()
        return {name: value.detach() for name, value in output.items()}

    def _accumulate(self, batches: Sequence[Batch]) -> list[Outputs]:
        outputs: list[Outputs] = []
        expected: Any = None
        total: Any = torch.tensor(0)
        for batch in batches:
            output = self.training_step(batch)
            items = torch.as_tensor(output.get("items", len(batch[0])))
            expected = items.clamp(min=1) * len(batches) if expected is None else expected
            total = total + items
            outputs.append(self._backward(output, output["loss"] * (items / expected)))
        # passes of unequal size: the weights were guessed from the first and are set right here
        for parameter in self.parameters:
            if parameter.grad is not None:
                parameter.grad.mul_(expected / total.clamp(min=1))
        return outputs

    def _clip(self) -> Tensor:
        """Clip the gradient where that is asked for; returns its norm before."""
        norm = nn.utils.get_total_norm([parameter.grad for parameter in self.parameters if parameter.grad is not None])
        if self.clip_norm is not None:
            nn.utils.clip_grads_with_norm_(self.parameters, self.clip_norm, norm)
        return norm


def _begin_momentum(optimizer: torch.optim.Optimizer) -> None:
    """Give SGD the momentum that its first step would make: that of a fused one is left undefined by an overflow."""
    for group in optimizer.param_groups:
        for parameter in group["params"] if group.get("momentum") else ():
            if parameter.requires_grad:
                optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)


class ManualStep:
    """A step of a model that makes its own update: a learning rule by hand, or a game of several optimizers."""

    def __init__(self, model: nn.Module, optimizers: dict[str, torch.optim.Optimizer], hardware: Hardware) -> None:
        self.optimizers = optimizers
        self.rates = [LearningRates(optimizer) for optimizer in optimizers.values()]
        self.training_step: Callable[..., Outputs] = hardware.cast(model.training_step)  # type: ignore[arg-type]

    def __call__(self, batches: Sequence[Batch], rate_factor: float, want_norm: bool) -> list[Outputs]:
        """Let the model learn from the one batch of this step; see `GradientStep.__call__`."""
        for rates in self.rates:
            rates.scale(rate_factor)
        (batch,) = batches
        output = self.training_step(batch, self.optimizers)
        return [{name: value.detach() for name, value in output.items()}]


def build_update(
    config: ExperimentConfig, model: nn.Module, optimizers: dict[str, torch.optim.Optimizer], hardware: Hardware
) -> GradientStep | ManualStep:
    """The kind of step that the model learns by.

    Raises:
        InputError: The model makes its own update, and the config asks for what it would have to do itself: accumulate,
            clip, scale, or keep half precision out of its weights.
    """
    if getattr(model, "automatic_optimization", True):
        return GradientStep(model, optimizers["all"], hardware, config.trainer.clip_norm)
    if config.trainer.accumulate > 1 or config.trainer.clip_norm is not None:
        raise InputError("this model makes its own update: trainer.accumulate must be 1 and trainer.clip_norm null")
    if hardware.scaler.is_enabled():
        raise InputError("this model makes its own update, and fp16 needs its losses scaled: use bf16 or fp32")
    if hardware.dtype is not None and not optimizers:
        raise InputError("this model learns by a rule of its own, without an optimizer, in full precision: use fp32")
    return ManualStep(model, optimizers, hardware)
