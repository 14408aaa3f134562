"""One model trained by several ranks: DDP, which copies it to each, and FSDP2, which gives each a part of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from data_utils.batches import Batch, Share
from engine.config import ExperimentConfig
from engine.distributed import World
from engine.hardware import Hardware
from engine.update import GradientStep, Outputs, OwnStep, build_update
from utils.errors import InputError


def split_model(model: nn.Module, config: ExperimentConfig, world: World) -> None:
    """Under FSDP, leave on each rank its part of every parameter of `model`; to be done before the optimizer is made.

    A unit is gathered as a whole when it is used: each module in a `Sequential` or `ModuleList` that shares no
    parameter with the rest, and what is left over.

    Raises:
        InputError: The model makes its own update, or has a parameter that cannot be split.
    """
    strategy = config.hardware.strategy
    if strategy != "none" and not getattr(model, "automatic_optimization", True):
        raise InputError(
            f"this model makes its own update, which hardware.strategy {strategy} cannot share between processes; "
            "use hardware.strategy=none, without torchrun"
        )
    if not is_split(config, world):
        return
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

    device = next(model.parameters()).device.type
    mesh = init_device_mesh(device, (world.size,))
    for name, parameter in model.named_parameters():
        if parameter.dim() == 0:
            raise InputError(f"{name} is a single number, which fsdp cannot split; give it shape [1], or use ddp")
    for unit in [*_units(model), model]:
        fully_shard(unit, mesh=mesh, reshard_after_forward=True)
    for method in ("training_step", "evaluation_step"):
        register_fsdp_forward_method(model, method)


def is_split(config: ExperimentConfig, world: World) -> bool:
    """Whether each rank has but a part of the weights."""
    return config.hardware.strategy == "fsdp" and world.size > 1


def _units(model: nn.Module) -> list[nn.Module]:
    owners = _uses(model)
    found = []
    for container in model.modules():
        for unit in container.children() if isinstance(container, nn.Sequential | nn.ModuleList) else ():
            own = _uses(unit)
            if own and own.items() <= owners.items():
                found.append(unit)
    return found[::-1]  # inner ones first: the outer unit takes what is left


def _uses(module: nn.Module) -> Counter[int]:
    """For each parameter, in how many places of `module` it is."""
    return Counter(id(parameter) for _, parameter in module.named_parameters(remove_duplicate=False))


@contextmanager
def whole(model: nn.Module) -> Iterator[None]:
    """Within this, every rank sees the parameters of `model` in full; all ranks enter and leave together."""
    units = [module for module in model.modules() if hasattr(module, "set_reshard_after_forward")]
    for unit in units:
        unit.unshard()  # type: ignore[operator]  # an FSDPModule
        unit.set_reshard_after_forward(False, recurse=False)  # type: ignore[operator]
    try:
        yield
    finally:
        for unit in units:
            unit.set_reshard_after_forward(True, recurse=False)  # type: ignore[operator]
            unit.reshard()  # type: ignore[operator]


def build_shared_update(
    config: ExperimentConfig,
    model: nn.Module,
    optimizers: dict[str, torch.optim.Optimizer],
    hardware: Hardware,
    world: World,
) -> GradientStep | OwnStep:
    """The kind of step that the model learns by, for any number of ranks."""
    if world.size == 1:
        return build_update(config, model, optimizers, hardware)
    kind = SplitStep if is_split(config, world) else CopiedStep
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
        shares = [batch for batch in batches if isinstance(batch, Share)]
        whole, own = sum(share.whole for share in shares), torch.zeros((), dtype=torch.float64, device=self.device)
        outputs: list[Outputs] = []
        counted = False
        for number, share in enumerate(shares, start=1):
            with self.synchronised(number == len(shares)):
                output = self.training_step(share)
                counted = "items" in output
                items = output.get("items", torch.tensor(share.own)) * (share.own > 0)
                own = own + items
                weight = items * (self.world.size / whole)
                outputs.append(self._backward(output | {"items": items}, output["loss"] * weight))
        if counted:  # only the ranks together know over how many items the mean is
            dist.all_reduce(own)
            for parameter in self.parameters:
                if parameter.grad is not None:
                    local(parameter.grad).mul_(whole / own.clamp(min=1))
        return outputs


class CopiedStep(SharedStep):
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


class SplitStep(SharedStep):
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


def in_full(tensor: Tensor) -> Tensor:
    """`tensor` on every rank, which knew a part of it; all ranks call this together."""
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor


def local(tensor: Tensor) -> Tensor:
    """The part of `tensor` that is on this rank; a tensor that is not split is all here."""
    return tensor.to_local() if hasattr(tensor, "to_local") else tensor
