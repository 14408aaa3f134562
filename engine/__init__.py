"""The engine: one loop, one evaluator and one record for every chapter; see README.md."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.evaluation.evaluator import Evaluator
    from engine.runs.run import Run
    from engine.trainer import Trainer

__all__ = ["Evaluator", "Run", "Trainer"]

_MODULES = {"Evaluator": "engine.evaluation.evaluator", "Run": "engine.runs.run", "Trainer": "engine.trainer"}


def __getattr__(name: str) -> Any:
    """Import on first use: `engine.config` must stay importable without loading torch."""
    if name not in _MODULES:
        raise AttributeError(f"module 'engine' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_MODULES[name]), name)
