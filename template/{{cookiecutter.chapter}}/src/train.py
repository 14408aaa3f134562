"""Train the chapter's model: `python src/train.py --experiment {{ cookiecutter.experiment }} --visualize`."""

from typing import TYPE_CHECKING

from config import ModelConfig
from experiment.script import train_command

if TYPE_CHECKING:
    from engine import Run, Trainer

# What --visualize draws; the lightest experiment comes first.
EXPERIMENT_PLOTS = {
{% if cookiecutter.data == "tabular" %}
    "{{ cookiecutter.experiment }}": ("learning_curve", "decision_boundary", "confusion_matrix"),
    "narrow": ("learning_curve", "decision_boundary", "confusion_matrix"),
{% else %}
    "{{ cookiecutter.experiment }}": ("learning_curve", "confusion_matrix"),
    "narrow": ("learning_curve", "confusion_matrix"),
{% endif %}
}


def main(run: "Run") -> "Trainer":
    """Build the model for the data, and prepare what trains it."""
    from data_utils import load
    from engine import Trainer
    from model import build

    splits = load(run.config.data)
    trainer = Trainer(run)  # seeds the first weights, so it comes before the model
    return trainer.prepare(build(run.config, splits), splits)


if __name__ == "__main__":
    train_command(__file__, ModelConfig, EXPERIMENT_PLOTS, main)
