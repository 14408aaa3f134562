"""The settings of the chapter: the mistakes one makes with them, and what its experiments share."""

import json
import re
from pathlib import Path

import pytest

from config import ModelConfig
from data_utils import load
from engine import Run
from experiment.compose import compose_experiment
from model import build
from train import main
from utils.errors import InputError

CHAPTER = Path(__file__).resolve().parents[1]
QUIET = ["tracking.wandb.enabled=false", "tracking.tensorboard=false"]


@pytest.mark.parametrize("experiment", ["spirals-linear", "vanishing"])
def test_a_successor_in_this_chapter_learns_from_the_same_data_for_as_long(experiment: str) -> None:
    config = compose_experiment(CHAPTER, experiment, [], ModelConfig)
    assert config.successor is not None
    successor = compose_experiment(CHAPTER, config.successor.experiment.removeprefix("03_mlp/"), [], ModelConfig)
    assert successor.data == config.data
    assert successor.trainer == config.trainer
    assert successor.seeds == config.seeds


def test_xor_is_the_very_experiment_that_the_perceptron_fails() -> None:
    import yaml

    ours, theirs = (
        yaml.safe_load((folder / "config/experiment/xor.yaml").read_text())
        for folder in (CHAPTER, CHAPTER.parent / "01_perceptron")
    )
    assert theirs["successor"] == "03_mlp/xor"
    for key in ("data", "seeds"):
        assert ours[key] == theirs[key]
    assert ours["claims"][0]["metric"] == theirs["claims"][0]["metric"]


@pytest.mark.usefixtures("shapes_unchecked")
@pytest.mark.parametrize(
    ("experiment", "epochs", "metric", "at_most"),
    [
        ("digits", 3, "validation/loss", 0.6),
        ("moons", 10, "validation/loss", 0.35),
        ("sine", 20, "validation/mse", 0.2),
    ],
)
def test_a_short_run_learns(experiment: str, epochs: int, metric: str, at_most: float, tmp_path: Path) -> None:
    config = compose_experiment(CHAPTER, experiment, [*QUIET, f"trainer.duration='{epochs} epochs'"], ModelConfig)
    main(Run(CHAPTER, config, tmp_path)).train()
    (results,) = tmp_path.glob("models/*/metrics.json")
    assert json.loads(results.read_text())["last"][metric] <= at_most


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.hidden=[0]", "model.hidden.0: input should be greater than or equal to 1"),
        ("model.hidden=[8,x]", "model.hidden.1: input should be a valid integer"),
        ("model.activation=softsign", "model.activation: input should be 'sigmoid', 'tanh' or 'relu'"),
        ("model.optimizer.lr=0", "model.optimizer.lr: input should be greater than 0"),
        ("model.output=sigmoid model.loss=cross_entropy", "model.output must be identity"),
        ("model.hiden=8", "did you mean 'model.hidden'"),
        ("model/optimizer=adamm", "did you mean 'adam'"),
    ],
)
def test_a_mistake_in_the_model_section_is_named(override: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        compose_experiment(CHAPTER, "xor", override.split(), ModelConfig)


def test_a_loss_for_classes_on_numbers_is_refused() -> None:
    config = compose_experiment(CHAPTER, "sine", ["model.loss=cross_entropy"], ModelConfig)
    with pytest.raises(InputError, match="loss is cross_entropy, but the targets are numbers"):
        build(config, load(config.data))


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adam", "adamw"])
@pytest.mark.parametrize("initialisation", ["zeros", "normal", "uniform", "glorot", "he"])
def test_every_choice_has_a_file_that_the_command_line_can_name(optimizer: str, initialisation: str) -> None:
    overrides = [f"model/optimizer={optimizer}", f"model/initialisation={initialisation}"]
    config = compose_experiment(CHAPTER, "digits", overrides, ModelConfig)
    assert (config.model.optimizer.name, config.model.initialisation.name) == (optimizer, initialisation)
