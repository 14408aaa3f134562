"""Store patterns in a Hopfield network: `python src/train.py --experiment recall --visualize`."""

from typing import TYPE_CHECKING

from config import ModelConfig
from experiment.script import train_command

if TYPE_CHECKING:
    from engine import Run, Trainer

# What --visualize draws.
EXPERIMENT_PLOTS = {
    "recall": ("energy_descent",),
    "overload": ("overlap_and_load", "energy_descent"),
    "capacity": ("overlap_and_load",),
    "synchronous": ("energy_descent",),
    "spurious": ("energy_descent",),
    "digits": ("pattern_similarity", "recall_gallery"),
    "digits-pseudo-inverse": ("recall_gallery", "energy_descent"),
    "modern": ("overlap_and_load", "energy_descent"),
}


def main(run: "Run") -> "Trainer":
    """Prepare to store every pattern once; the engine measures what is recalled."""
    from data_utils import load
    from engine import Trainer
    from model import build

    splits = load(run.config.data)
    trainer = Trainer(run)
    model = build(run.config, splits)
    return trainer.prepare(model, splits)


if __name__ == "__main__":
    train_command(__file__, ModelConfig, EXPERIMENT_PLOTS, main)
