"""What is measured with fixed weights: on splits, on a checkpoint, in plots."""

from typing import TYPE_CHECKING

from utils.lazy import lazy_names

if TYPE_CHECKING:
    from engine.evaluation.checkpoint import CheckpointEvaluation
    from engine.evaluation.evaluator import Evaluation, Evaluator
    from engine.evaluation.plots import draw_plots, plot_data

__all__ = ["CheckpointEvaluation", "Evaluation", "Evaluator", "draw_plots", "plot_data"]

__getattr__ = lazy_names(
    __name__,
    {
        "CheckpointEvaluation": "checkpoint",
        "Evaluation": "evaluator",
        "Evaluator": "evaluator",
        "draw_plots": "plots",
        "plot_data": "plots",
    },
)
