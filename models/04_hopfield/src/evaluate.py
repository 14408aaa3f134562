"""Ask a Hopfield network again: `python src/evaluate.py --checkpoint latest --experiment recall --visualize`."""

from typing import TYPE_CHECKING

from config import ModelConfig
from experiment.script import evaluate_command
from train import EXPERIMENT_PLOTS

if TYPE_CHECKING:
    from engine.evaluation.checkpoint import CheckpointEvaluation


def main(evaluation: "CheckpointEvaluation") -> None:
    """Build the network for the data; the engine loads the checkpoint into it and measures."""
    from data_utils import load
    from model import Hopfield

    config, splits = evaluation.config, load(evaluation.config.data)
    evaluation.run(Hopfield(config.model, splits.n_features, splits.n_classes, config.seed), splits)


if __name__ == "__main__":
    evaluate_command(__file__, ModelConfig, EXPERIMENT_PLOTS, main)
