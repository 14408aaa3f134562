"""The engine: one loop, one evaluator and one record for every chapter; see README.md."""

from typing import TYPE_CHECKING

from utils.lazy import lazy_names

if TYPE_CHECKING:
    from engine.evaluation.evaluator import Evaluator
    from engine.runs.run import Run
    from engine.trainer import Trainer

__all__ = ["Evaluator", "Run", "Trainer"]

__getattr__ = lazy_names(__name__, {"Evaluator": "evaluation.evaluator", "Run": "runs.run", "Trainer": "trainer"})
