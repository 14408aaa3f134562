"""The settings of the chapter: the mistakes one makes with them, and what its experiments share."""

import re
from pathlib import Path

import pytest

from config import ModelConfig
from experiment.compose import compose_experiment
from utils.errors import InputError

CHAPTER = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.learning_rate=0", "model.learning_rate: input should be greater than 0"),
        ("model.learning_rate=fast", "model.learning_rate: input should be a valid number"),
        ("model.margin_iterations=-1", "model.margin_iterations: input should be greater than or equal to 0"),
        ("model.lerning_rate=1", "did you mean 'model.learning_rate'"),
    ],
)
def test_a_mistake_in_the_model_section_is_named(override: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        compose_experiment(CHAPTER, "xor", [override], ModelConfig)
