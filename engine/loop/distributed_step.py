"""One step of learning by several ranks, under DDP or FSDP2: the step that one process would make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from data_utils.batches import Batch, BatchShard
from engine.config import ExperimentConfig
from engine.device.fsdp import in_full, is_sharded, local_shard
from engine.device.hardware import Hardware
from engine.device.world import World
from engine.loop.step import GradientStep, ManualStep, Outputs, build_update
from utils.errors import InputError


def build_shared_update(
    config: ExperimentConfig,
    model: nn.Module,
    optimizers: dict[str, torch.optim.Optimizer],
    hardware: Hardware,
    world: World,
) -> GradientStep | ManualStep:
    """The kind of step that the model learns by, for any number of ranks."""
    if world.size == 1:
        return build_update(config, model, optimizers, hardware)
    kind = FSDPStep if is_sharded(config, world) else DDPStep
    return kind(model, optimizers["all"], hardware, config.trainer.clip_norm, world)


class SharedStep(GradientStep):
    """A `GradientStep` of which each rank takes its share of every batch.

    The step is the one that a process alone would make. DDP and FSDP average the ranks' gradients, so each loss is
    weighted by its items times the number of ranks, over all items: docs/architecture.md. Gradients cross between
    ranks once a step, in its last backward pass. Where the model counts its items, so does their sum.
    """

    synchronised: Callable[[bool], AbstractContextManager[Any]]
    """Within this, backward passes exchange gradients, or keep them for a later one."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        hardware: Hardware,
        clip_norm: float | None,
        world: World,
    ) -> None:
        super().__init__(model, optimizer, hardware, clip_norm)
        self.world, self.device = world, hardware.device

    def _gradients(self, batches: Sequence[Batch]) -> list[Outputs]:
        shares = [batch for batch in batches if isinstance(batch, BatchShard)]
        whole, own = sum(share.n_global for share in shares), torch.zeros((), dtype=torch.float64, device=self.device)
        outputs: list[Outputs] = []
        counted = False
        for number, share in enumerate(shares, start=1):
            with self.synchronised(number == len(shares)):
                output = self.training_step(share)
                counted = "items" in output
                items = output.get("items", torch.tensor(share.n_local)) * (share.n_local > 0)
                own = own + items
                weight = items * (self.world.size / whole)
                reported = output | {"items": items} if counted else output
                outputs.append(self._backward(reported, output["loss"] * weight))
        if counted:  # only the ranks together know over how many items the mean is
            dist.all_reduce(own)
            for parameter in self.parameters:
                if parameter.grad is not None:
                    local_shard(parameter.grad).mul_(whole / own.clamp(min=1))
        return outputs


class DDPStep(SharedStep):
    """The step under DDP."""

    def __init__(self, model: nn.Module, *arguments: Any) -> None:
        super().__init__(model, *arguments)
        hardware = arguments[1]
        copied = nn.parallel.DistributedDataParallel(_TrainingStep(model))
        self.training_step = hardware.cast(copied)
        self.synchronised = lambda last: nullcontext() if last else copied.no_sync()
        self.names = {parameter: name for name, parameter in model.named_parameters()}

    def _gradients(self, batches: Sequence[Batch]) -> list[Outputs]:
        outputs = super()._gradients(batches)
        for parameter in self.parameters:
            if parameter.requires_grad and parameter.grad is None:
                raise InputError(
                    f"{self.names[parameter]} took no part in the loss, which ddp does not allow: set its "
                    "requires_grad to False, or use hardware=fsdp"
                )
        return outputs


class FSDPStep(SharedStep):
    """The step under FSDP2."""

    def __init__(self, model: nn.Module, *arguments: Any) -> None:
        super().__init__(model, *arguments)

        def synchronised(last: bool) -> AbstractContextManager[Any]:
            model.set_requires_gradient_sync(last)  # type: ignore[operator]  # an FSDPModule
            return nullcontext()

        self.synchronised = synchronised

    def _backward(self, output: Outputs, loss: Tensor) -> Outputs:
        detached = super()._backward(output, loss)
        return {
            name: in_full(value) for name, value in detached.items()
        }  # a measure of the weights is split as they are

    def _clip(self) -> Tensor:
        return in_full(super()._clip())


class _TrainingStep(nn.Module):
    """What DDP is to watch: it knows forward passes only."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch) -> Outputs:
        outputs: Outputs = self.model.training_step(batch)  # type: ignore[operator]
        return outputs
