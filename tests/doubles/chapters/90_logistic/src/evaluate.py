"""Evaluate: `python src/evaluate.py --checkpoint latest --experiment blobs`."""

from typing import TYPE_CHECKING

from config import ModelConfig
from experiment.script import evaluate_command
from train import EXPERIMENT_PLOTS

if TYPE_CHECKING:
    from engine.evaluation.checkpoint import CheckpointEvaluation


def main(evaluation: "CheckpointEvaluation") -> None:
    """Build the model for the data and evaluate it."""
    from data_utils import load
    from model import Network

    splits = load(evaluation.config.data)
    evaluation.run(Network(evaluation.config.model, splits.n_features, splits.n_classes), splits)


if __name__ == "__main__":
    evaluate_command(__file__, ModelConfig, EXPERIMENT_PLOTS, main)
