"""Data sets: a config in, splits of tensors out.

The names are fetched when first used, so that what needs only a config or a card does not wait for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data_utils.loading import load
    from data_utils.splits import Splits, TensorSplit

__all__ = ["Splits", "TensorSplit", "load"]

_HOMES = {"load": "data_utils.loading", "Splits": "data_utils.splits", "TensorSplit": "data_utils.splits"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
