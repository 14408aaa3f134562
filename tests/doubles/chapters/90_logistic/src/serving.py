"""How a trained network is asked, and what it answers."""

from torch import Tensor, softmax

from data_utils.description import Description
from inference.answers import Classification, PredictOptions, Row, classification
from model import Network

Answer = Classification


def outputs(model: Network, x: Tensor) -> dict[str, Tensor]:
    """The `probabilities` [batch, classes]."""
    return {"probabilities": softmax(model.layers(x), dim=1)}


def decode(row: Row, data: Description, options: PredictOptions) -> Classification:
    """The most likely classes."""
    return classification(row, data, options)
