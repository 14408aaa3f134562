"""Train: `python tools/chaos/chapter/src/train.py --experiment momentum --outputs DIR`."""

from typing import TYPE_CHECKING

from config import ModelConfig
from experiment.script import train_command

if TYPE_CHECKING:
    from engine import Run, Trainer


def main(run: "Run") -> "Trainer":
    """Build the model for the data, and prepare what trains it."""
    from data_utils import load
    from engine import Trainer
    from model import Jittered, build

    splits = load(run.config.data)
    settings = run.config.model
    train = Jittered(splits.train, settings.jitter) if settings.jitter else None
    trainer = Trainer(run)
    return trainer.prepare(build(settings, splits.n_features), splits, train)


if __name__ == "__main__":
    train_command(__file__, ModelConfig, {}, main)
