"""Train a perceptron: `python src/train.py --experiment xor --visualize`."""

from typing import TYPE_CHECKING

from config import ModelConfig
from experiment.script import train_command

if TYPE_CHECKING:
    from engine import Run, Trainer

# What --visualize draws.
EXPERIMENT_PLOTS = {
    "and": ("learning_curve", "decision_boundary", "weight_trajectory", "mistakes_and_bound"),
    "or": ("learning_curve", "decision_boundary", "weight_trajectory", "mistakes_and_bound"),
    "xor": ("learning_curve", "decision_boundary", "weight_trajectory"),
    "boolean": ("learning_curve", "decision_boundary", "weight_trajectory"),
    "blobs": ("learning_curve", "decision_boundary", "weight_trajectory", "mistakes_and_bound"),
    "iris-easy": ("learning_curve", "confusion_matrix", "mistakes_and_bound"),
    "iris-hard": ("learning_curve", "confusion_matrix"),
    "noisy-blobs": ("learning_curve", "decision_boundary"),
    "far-points": ("learning_curve", "decision_boundary", "mistakes_and_bound"),
    "mnist-0v1": ("learning_curve", "confusion_matrix", "weights_image"),
}


def main(run: "Run") -> "Trainer":
    """Find out how many mistakes there can be at most, and prepare to learn."""
    from data_utils import load
    from engine import Trainer
    from margin import largest_margin
    from model import build

    splits = load(run.config.data)
    trainer = Trainer(run)
    model = build(run.config, splits)
    margin = largest_margin(splits.train.inputs, splits.train.targets, run.config.model.margin_iterations)
    if margin is not None:
        model.remember_margin(margin)
    return trainer.prepare(model, splits)


if __name__ == "__main__":
    train_command(__file__, ModelConfig, EXPERIMENT_PLOTS, main)
