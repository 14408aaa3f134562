"""What an evaluation of a training says: on each split that the config names, and of the model itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from data_utils.splits import Splits
from engine.device.fsdp import unsharded

if TYPE_CHECKING:
    from engine.trainer import Trainer


def measure(trainer: Trainer, splits: Splits, between_batches: Callable[[], None] = lambda: None) -> dict[str, float]:
    """Metrics by name, `train/loss` or `model/weight_norm`, the same on all ranks.

    Args:
        trainer: Whose model is evaluated, with the weights to use it with.
        splits: What it is evaluated on.
        between_batches: Called before each batch; what it raises ends the evaluation.
    """
    measured: dict[str, float] = {}
    with trainer.averaged():
        for name in trainer.config.trainer.evaluate_on:
            found = trainer.evaluator.evaluate(trainer.model, splits.split(name), between_batches)
            measured |= {f"{name}/{metric}": value for metric, value in found.metrics.items()}
    if hasattr(trainer.model, "measures"):
        with unsharded(trainer.model):
            measures: dict[str, float] = trainer.model.measures()  # type: ignore[operator]
        measured |= {f"model/{name}": float(value) for name, value in measures.items()}
    return trainer.world.from_main(lambda: measured)
