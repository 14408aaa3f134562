"""Train a multilayer perceptron: `python src/train.py --experiment xor --visualize`."""

from typing import TYPE_CHECKING

from config import ModelConfig
from experiment.script import train_command

if TYPE_CHECKING:
    from engine import Run, Trainer

# What --visualize draws.
EXPERIMENT_PLOTS = {
    "xor": ("learning_curve", "decision_boundary", "folded_plane"),
    "xor-width": ("learning_curve", "decision_boundary", "folded_plane"),
    "moons": ("learning_curve", "decision_boundary", "folded_plane"),
    "spirals": ("learning_curve", "decision_boundary", "folded_plane"),
    "spirals-linear": ("learning_curve", "decision_boundary"),
    "digits": ("learning_curve", "confusion_matrix", "shift_curve"),
    "width": ("learning_curve", "confusion_matrix"),
    "depth": ("learning_curve", "gradient_by_layer"),
    "initialisation": ("learning_curve", "gradient_by_layer"),
    "learning-rate": ("learning_curve",),
    "vanishing": ("learning_curve", "gradient_by_layer"),
    "vanishing-cured": ("learning_curve", "gradient_by_layer"),
    "mnist": ("learning_curve", "confusion_matrix", "shift_curve"),
    "mnist-permuted": ("learning_curve", "confusion_matrix"),
    "mnist-shifted": ("learning_curve", "confusion_matrix"),
    "sine": ("learning_curve", "fit"),
    "diabetes": ("learning_curve", "fit"),
}


def main(run: "Run") -> "Trainer":
    """Prepare to learn, layer by layer backwards."""
    from data_utils import load
    from engine import Trainer
    from model import build

    splits = load(run.config.data)
    trainer = Trainer(run)
    return trainer.prepare(build(run.config, splits), splits)


if __name__ == "__main__":
    train_command(__file__, ModelConfig, EXPERIMENT_PLOTS, main)
