"""Where a run computes: the device, its ranks, how a model is sharded over them, and how many FLOPs a step takes."""

from typing import TYPE_CHECKING

from utils.lazy import lazy_names

if TYPE_CHECKING:
    from engine.device.flops import FlopCounter
    from engine.device.fsdp import Sharding
    from engine.device.hardware import Hardware
    from engine.device.world import World

__all__ = ["FlopCounter", "Hardware", "Sharding", "World"]

__getattr__ = lazy_names(
    __name__, {"FlopCounter": "flops", "Hardware": "hardware", "Sharding": "fsdp", "World": "world"}
)
