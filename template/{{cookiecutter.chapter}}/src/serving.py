"""How a trained network is asked, and what it answers."""

from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from data_utils.description import Description
from inference.answers import PredictOptions, Classification, Row, classification
from model import Network

if TYPE_CHECKING:
    from engine.config import ExperimentConfig

Answer = Classification


def build(config: "ExperimentConfig[Any]", data: Description) -> Network:
    """The network that a checkpoint's weights go into."""
    return Network(config.model, data.n_features, data.n_classes)


def ask(model: Network, x: Float[Tensor, "batch *shape"]) -> dict[str, Tensor]:
    """The `probabilities` [batch, classes] that the cross-entropy of equation (3) is of."""
    return {"probabilities": torch.softmax(model.score(x.flatten(1)), dim=1)}


def answer(row: Row, data: Description, asked: PredictOptions) -> Classification:
    """The most likely classes."""
    return classification(row, data, asked)
