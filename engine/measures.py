"""What an evaluation of a training measures: the metrics of its splits, and the model's own numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from data_utils.splits import Splits
from engine.splitting import whole

if TYPE_CHECKING:
    from engine.trainer import Trainer


def measure(trainer: Trainer, splits: Splits, heed_signals: Callable[[], None] = lambda: None) -> dict[str, float]:
    """All that is measured with the weights as they are, by its name in the record.

    Args:
        trainer: The training; its model is given back as it was.
        splits: Where the examples come from.
        heed_signals: Called between batches; may raise `Interrupted`.
    """
    measured: dict[str, float] = {}
    with trainer.averaged():
        for name in trainer.config.trainer.evaluate_on:
            found = trainer.evaluator.evaluate(trainer.model, splits.split(name), heed_signals)
            measured |= {f"{name}/{metric}": value for metric, value in found.metrics.items()}
    if hasattr(trainer.model, "measures"):
        with whole(trainer.model):
            measures: dict[str, float] = trainer.model.measures()  # type: ignore[operator]
        measured |= {f"model/{name}": float(value) for name, value in measures.items()}
    return measured
