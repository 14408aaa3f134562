"""Train a multilayer perceptron: `python src/train.py --experiment xor --visualize`."""

from typing import TYPE_CHECKING

from cli.script import train_command
from config import ModelConfig

if TYPE_CHECKING:
    from engine import Run

# What --visualize draws.
EXPERIMENT_PLOTS = {
    "xor": ("learning_curve", "decision_boundary"),
    "digits": ("learning_curve", "confusion_matrix"),
    "mnist": ("learning_curve", "confusion_matrix"),
}


def main(run: "Run") -> None:
    """Learn, layer by layer backwards."""
    from data_utils import load
    from engine import Trainer
    from model import MLP

    splits = load(run.config.data)
    trainer = Trainer(run)
    trainer.fit(MLP(run.config.model, splits.n_features, splits.n_classes), splits)


if __name__ == "__main__":
    train_command(__file__, ModelConfig, EXPERIMENT_PLOTS, main)
