"""What a run leaves to go on from: written, read back, found again, compared and pruned."""

from typing import TYPE_CHECKING

from utils.lazy import lazy_names

if TYPE_CHECKING:
    from engine.checkpoint.content import Stateful, read_checkpoint, trained_weights
    from engine.checkpoint.file import load_checkpoint, load_weights, save_checkpoint
    from engine.checkpoint.manager import CheckpointManager
    from engine.checkpoint.resolve import resolve_checkpoint

__all__ = [
    "CheckpointManager",
    "Stateful",
    "load_checkpoint",
    "load_weights",
    "read_checkpoint",
    "resolve_checkpoint",
    "save_checkpoint",
    "trained_weights",
]

__getattr__ = lazy_names(
    __name__,
    {
        "CheckpointManager": "manager",
        "Stateful": "content",
        "load_checkpoint": "file",
        "load_weights": "file",
        "read_checkpoint": "content",
        "resolve_checkpoint": "resolve",
        "save_checkpoint": "file",
        "trained_weights": "content",
    },
)
