"""Faster ways for small models, which the loop knows nothing of: steps in one graph, and several seeds at once."""

from typing import TYPE_CHECKING

from utils.lazy import lazy_names

if TYPE_CHECKING:
    from engine.fast.ensemble import train_together
    from engine.fast.multi_step import MultiStepper, compile_steps

__all__ = ["MultiStepper", "compile_steps", "train_together"]

__getattr__ = lazy_names(
    __name__, {"MultiStepper": "multi_step", "compile_steps": "multi_step", "train_together": "ensemble"}
)
