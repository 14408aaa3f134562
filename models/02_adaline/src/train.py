"""Train an ADALINE: `python src/train.py --experiment line --visualize`."""

from typing import TYPE_CHECKING

from config import ModelConfig
from experiment.script import train_command

if TYPE_CHECKING:
    from engine import Run, Trainer

# What --visualize draws.
EXPERIMENT_PLOTS = {
    "line": ("learning_curve", "fit", "error_bowl", "stability"),
    "stochastic": ("learning_curve", "fit", "error_bowl"),
    "stable": ("learning_curve", "stability"),
    "unstable": ("learning_curve", "stability"),
    "noisy-blobs": ("learning_curve", "decision_boundary", "confusion_matrix"),
    "iris-hard": ("learning_curve", "confusion_matrix"),
    "breast-cancer": ("learning_curve", "confusion_matrix"),
    "xor": ("learning_curve", "decision_boundary"),
    "far-points": ("learning_curve", "decision_boundary", "confusion_matrix"),
}


def main(run: "Run") -> "Trainer":
    """Find the bottom of the bowl in closed form, and prepare the walk down to it."""
    from data_utils import load
    from engine import Trainer
    from least_squares import least_squares
    from model import build, numbers

    splits = load(run.config.data)
    trainer = Trainer(run)
    train = splits.train
    model = build(run.config, splits)
    model.remember(least_squares(train.inputs, numbers(train.targets)))
    return trainer.prepare(model, splits)


if __name__ == "__main__":
    train_command(__file__, ModelConfig, EXPERIMENT_PLOTS, main)
