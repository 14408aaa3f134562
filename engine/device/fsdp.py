"""A model of which each rank has a part (FSDP2), and how to see it whole."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from engine.config import ExperimentConfig
from engine.device.world import World
from utils.errors import InputError


def shard_model(model: nn.Module, config: ExperimentConfig, world: World) -> None:
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
    if not is_sharded(config, world):
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


def is_sharded(config: ExperimentConfig, world: World) -> bool:
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


@dataclass(frozen=True)
class Sharding:
    """How a model is sharded: over which ranks, and which of its tensors."""

    mesh: Any
    names: frozenset[str]

    @classmethod
    def of(cls, model: nn.Module) -> "Sharding | None":
        """The sharding of `model`; None where each rank has all of it."""
        parameters = dict(model.named_parameters(remove_duplicate=False))
        meshes = (getattr(parameter, "device_mesh", None) for parameter in parameters.values())
        mesh = next((mesh for mesh in meshes if mesh is not None), None)
        return cls(mesh, frozenset(parameters)) if mesh is not None else None

    def empty(self, shape: list[int], dtype: torch.dtype) -> Tensor:
        """A sharded tensor to read into."""
        from torch.distributed.tensor import Shard, empty

        return empty(shape, dtype=dtype, device_mesh=self.mesh, placements=[Shard(0)])

    def apply(self, content: dict[str, Any]) -> dict[str, Any]:
        """The content of a checkpoint that has every tensor in full, with those sharded that the model has sharded."""
        from torch.distributed.tensor import Shard, distribute_tensor

        def shard(value: Tensor) -> Tensor:
            return distribute_tensor(value.to(self.mesh.device_type), self.mesh, [Shard(0)])

        for section in ("model", "average"):
            tensors = content[section] or {}
            tensors |= {name: shard(value) for name, value in tensors.items() if name in self.names}
        for optimizer in content["optimizers"].values():
            for state in optimizer["state"].values():
                state |= {key: shard(value) for key, value in state.items() if getattr(value, "ndim", 0) > 0}
        return content


@contextmanager
def unsharded(model: nn.Module) -> Iterator[None]:
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


def in_full(tensor: Tensor) -> Tensor:
    """`tensor` on every rank, which knew a part of it; all ranks call this together."""
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor


def local_shard(tensor: Tensor) -> Tensor:
    """The part of `tensor` that is on this rank; a tensor that is not split is all here."""
    return tensor.to_local() if hasattr(tensor, "to_local") else tensor
