"""Train: `python src/train.py --experiment blobs`."""

from typing import TYPE_CHECKING

from config import ModelConfig
from experiment.script import train_command

if TYPE_CHECKING:
    from engine import Run, Trainer

EXPERIMENT_PLOTS = {"blobs": ("learning_curve",)}


def main(run: "Run") -> "Trainer":
    """Build the model for the data, and prepare what trains it."""
    from data_utils import load
    from engine import Trainer
    from model import build

    splits = load(run.config.data)
    return Trainer(run).prepare(build(run.config, splits), splits)


if __name__ == "__main__":
    train_command(__file__, ModelConfig, EXPERIMENT_PLOTS, main)
