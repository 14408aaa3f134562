"""Help with a model that does not learn, or not fast enough; `dry_run` is in the module of its name."""

from typing import TYPE_CHECKING

from utils.lazy import lazy_names

if TYPE_CHECKING:
    from engine.debug.lr_finder import find_lr
    from engine.debug.profiler import profile

__all__ = ["find_lr", "profile"]

__getattr__ = lazy_names(__name__, {"find_lr": "lr_finder", "profile": "profiler"})
