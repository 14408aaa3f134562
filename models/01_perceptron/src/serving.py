"""How a trained perceptron is asked, and what it answers."""

from typing import TYPE_CHECKING, Any

from jaxtyping import Float
from torch import Tensor

from data_utils.description import Description
from inference.answers import Decision, PredictOptions, Row, decision
from model import Perceptron

if TYPE_CHECKING:
    from engine.config import ExperimentConfig

Answer = Decision


def build(config: "ExperimentConfig[Any]", data: Description) -> Perceptron:
    """The unit that a checkpoint's weights go into."""
    return Perceptron(config.model, data.n_features)


def ask(model: Perceptron, x: Float[Tensor, "batch *shape"]) -> dict[str, Tensor]:
    """The `scores` [batch, 1] of equation (1)."""
    return {"scores": model.score(x.flatten(1))[:, None]}


def answer(row: Row, data: Description, asked: PredictOptions) -> Decision:
    """The side of the line, by equation (2)."""
    return decision(row, data, asked, threshold=0.0)
