"""Train a network on the tape: `python src/train.py --experiment xor --visualize`."""

from typing import TYPE_CHECKING

from config import ModelConfig
from experiment.script import train_command

if TYPE_CHECKING:
    from engine import Run, Trainer

# What --visualize draws.
EXPERIMENT_PLOTS = {
    "xor": ("learning_curve", "decision_boundary", "computation_graph", "gradient_check"),
    "digits": ("learning_curve", "confusion_matrix"),
    "agreement": ("learning_curve", "gradient_check"),
    "cost": ("learning_curve", "tape_cost"),
}


def main(run: "Run") -> "Trainer":
    """Build the network, with what it compares on, and prepare to learn."""
    from data_utils import load
    from engine import Trainer
    from model import build

    splits = load(run.config.data)
    trainer = Trainer(run)
    model = build(run.config, splits)
    return trainer.prepare(model, splits)


if __name__ == "__main__":
    train_command(__file__, ModelConfig, EXPERIMENT_PLOTS, main)
