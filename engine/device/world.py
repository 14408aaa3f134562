"""The processes that train one model together, and the few things that they tell each other.

torch is loaded only where there are several: a run can be named and found without it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from utils.errors import InputError, RunError, ScratchError
from utils.ranks import launched, world_size

if TYPE_CHECKING:
    from engine.config import HardwareConfig

T = TypeVar("T")

_LOST = ("gloo", "nccl", "connection closed by peer", "connection reset by peer", "broken pipe", "socket timeout")


class World:
    """The ranks of one run; one alone where torchrun did not start several.

    What is exchanged here is small and rare: names, decisions, sums over a logging window. Gradients and sharded
    weights take the ways of DDP and FSDP. An object is pickled for the way from one process of the run to another.
    """

    def __init__(self, rank: int = 0, size: int = 1, local_rank: int = 0) -> None:
        self.rank, self.size, self.local_rank = rank, size, local_rank

    @property
    def is_main(self) -> bool:
        """Whether this is the rank that writes files and speaks."""
        return self.rank == 0

    def gather(self, own: T) -> list[T]:
        """What every rank passed, in the order of ranks, on every rank."""
        if self.size == 1:
            return [own]
        import torch.distributed as dist

        everything: list[Any] = [None] * self.size
        dist.all_gather_object(everything, own)
        return everything

    def from_main(self, make: Callable[[], T]) -> T:
        """What `make` returns on rank 0, on every rank; it is called there only."""
        if self.size == 1:
            return make()
        import torch.distributed as dist

        box = [make() if self.is_main else None]
        dist.broadcast_object_list(box, src=0)
        return box[0]  # type: ignore[return-value]  # filled by now

    @contextmanager
    def contact(self) -> Iterator[None]:
        """Within this, a message of the network about a lost rank becomes one line."""
        try:
            yield
        except ScratchError:
            raise
        except Exception as error:
            if self.size > 1 and any(sign in str(error).lower() for sign in _LOST):
                raise RunError(
                    f"rank {self.rank} lost contact with another process of the run, which ended or hangs; "
                    "look above for its own message, then go on with --resume"
                ) from error
            raise


@contextmanager
def join(config: HardwareConfig) -> Iterator[World]:
    """Meet the other processes that torchrun started; within this, they are a `World`.

    Without torchrun the process is alone, whatever the strategy.

    Raises:
        InputError: torchrun started several, but the config has no strategy for them, or a device that cannot take
            part.
    """
    if world_size() == 1:
        yield World()
        return
    if config.strategy == "none":
        raise InputError(
            f"torchrun started {world_size()} processes, but hardware.strategy is none: add hardware=ddp or "
            "hardware=fsdp, or start the script without torchrun"
        )
    import torch
    import torch.distributed as dist

    gpus, here = torch.cuda.device_count(), int(os.environ["LOCAL_WORLD_SIZE"])
    on_gpu = config.device == "cuda" or (config.device == "auto" and gpus > 0)
    if config.device == "mps" or (config.device == "auto" and not on_gpu and torch.backends.mps.is_available()):
        raise InputError("the device mps cannot be shared by several processes; use hardware.device=cpu")
    world = World(int(os.environ["RANK"]), world_size(), int(os.environ["LOCAL_RANK"]))
    if on_gpu and gpus < here:
        raise InputError(
            f"each process takes a GPU of its own, and torchrun started {here} where there are {gpus}: "
            "lower --nproc-per-node, or use hardware.device=cpu"
        )
    if on_gpu:
        torch.cuda.set_device(world.local_rank)
    with world.contact():
        dist.init_process_group("cpu:gloo,cuda:nccl" if on_gpu else "gloo")
        yield world
        dist.destroy_process_group()  # in peace only: after an error it could wait for those that are gone


def launch_hint(config: HardwareConfig) -> str | None:
    """What to say where the config asks for several processes and there is one; None where all is well."""
    if config.strategy == "none" or launched():
        return None
    return (
        f"hardware.strategy is {config.strategy}, but this is one process, which trains alone; for more: "
        "torchrun --standalone --nproc-per-node 2 src/train.py ..."
    )
