"""How a trained network is asked, and what it answers."""

from typing import TYPE_CHECKING, Any

from torch import Tensor, softmax

from data_utils.description import Description
from inference.answers import Classification, PredictOptions, Row, classification
from model import Network

if TYPE_CHECKING:
    from engine.config import ExperimentConfig

Answer = Classification


def build(config: "ExperimentConfig[Any]", data: Description) -> Network:
    """The network that a checkpoint's weights go into."""
    return Network(config.model, data.n_features, data.n_classes)


def ask(model: Network, x: Tensor) -> dict[str, Tensor]:
    """The `probabilities` [batch, classes]."""
    return {"probabilities": softmax(model.layers(x), dim=1)}


def answer(row: Row, data: Description, asked: PredictOptions) -> Classification:
    """The most likely classes."""
    return classification(row, data, asked)
