"""Evaluate a trained ADALINE: `python src/evaluate.py --checkpoint latest --experiment line --visualize`."""

from typing import TYPE_CHECKING

from config import ModelConfig
from experiment.script import evaluate_command
from train import EXPERIMENT_PLOTS

if TYPE_CHECKING:
    from engine.evaluation.checkpoint import CheckpointEvaluation


def main(evaluation: "CheckpointEvaluation") -> None:
    """Build the model for the data; the engine loads the checkpoint into it and measures."""
    from data_utils import load
    from model import Adaline

    splits = load(evaluation.config.data)
    model = Adaline(evaluation.config.model, splits.n_features, classes=splits.n_classes > 0)
    evaluation.run(model, splits)


if __name__ == "__main__":
    evaluate_command(__file__, ModelConfig, EXPERIMENT_PLOTS, main)
