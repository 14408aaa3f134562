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
        ("model.flipped=2", "model.flipped: input should be less than or equal to 1"),
        ("model.storage=hebb", "model.storage: input should be 'hebbian', 'pseudo_inverse' or 'softmax'"),
        ("model.storage=softmax", "beta is for storage=softmax, which needs it; null for any other"),
        ("model.beta=1", "beta is for storage=softmax, which needs it; null for any other"),
        ("model.sweep=3", "did you mean 'model.sweeps'"),
    ],
)
def test_a_mistake_in_the_model_section_is_named(override: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        compose_experiment(CHAPTER, "recall", [override], ModelConfig)


def test_the_softmax_network_has_no_asynchronous_recall() -> None:
    with pytest.raises(InputError, match="updates all units at once: order=synchronous"):
        compose_experiment(CHAPTER, "modern", ["model.order=asynchronous"], ModelConfig)
