"""Evaluate a checkpoint: `python src/evaluate.py --checkpoint latest --experiment NAME --visualize`."""

from typing import TYPE_CHECKING

from config import ModelConfig
from experiment.script import evaluate_command
from train import EXPERIMENT_PLOTS

if TYPE_CHECKING:
    from engine.evaluation.checkpoint import CheckpointEvaluation


def main(evaluation: "CheckpointEvaluation") -> None:
    """Build the model for the data; the engine loads the checkpoint into it and measures."""
    from data_utils import load
    from model import build

    splits = load(evaluation.config.data)
    evaluation.run(build(evaluation.config, splits), splits)


if __name__ == "__main__":
    evaluate_command(__file__, ModelConfig, EXPERIMENT_PLOTS, main)
