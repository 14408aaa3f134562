"""How a trained network is asked, and what it answers."""

import torch
from jaxtyping import Float
from torch import Tensor

from data_utils.description import Description
from inference.answers import Classification, PredictOptions, Row, classification
from model import Network

Answer = Classification


def outputs(model: Network, x: Float[Tensor, "batch *shape"]) -> dict[str, Tensor]:
    """The `probabilities` [batch, classes] that the cross-entropy of equation (3) is of."""
    return {"probabilities": torch.softmax(model.score(x.flatten(1)), dim=1)}


def decode(row: Row, data: Description, options: PredictOptions) -> Classification:
    """The most likely classes."""
    return classification(row, data, options)
