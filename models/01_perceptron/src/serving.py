"""How a trained perceptron is asked, and what it answers."""

from jaxtyping import Float
from torch import Tensor

from data_utils.description import Description
from inference.answers import Decision, PredictOptions, Row, decision
from model import Perceptron

Answer = Decision


def outputs(model: Perceptron, x: Float[Tensor, "batch *shape"]) -> dict[str, Tensor]:
    """The `scores` [batch, 1] of equation (1)."""
    return {"scores": model.score(x.flatten(1))[:, None]}


def decode(row: Row, data: Description, options: PredictOptions) -> Decision:
    """The side of the line, by equation (2)."""
    return decision(row, data, options, threshold=0.0)
