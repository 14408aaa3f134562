"""How a network that learned on the tape is asked, and what it answers.

Nothing is learned here, so no tape is needed: the forward pass is written in torch's operations, which can be exported.
"""

from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from data_utils.description import Description
from inference.answers import Asked, Classification, Row, classification
from model import TapeNetwork

if TYPE_CHECKING:
    from engine.config import ExperimentConfig

Answer = Classification


def build(config: "ExperimentConfig[Any]", data: Description) -> TapeNetwork:
    """The network that a checkpoint's weights go into."""
    return TapeNetwork(config.model, data.n_features, data.n_classes)


def ask(model: TapeNetwork, x: Float[Tensor, "batch *shape"]) -> dict[str, Tensor]:
    """The `probabilities` [batch, classes] that the cross-entropy of equation (11) is of."""
    activation = x.flatten(1).double()
    for layer in range(0, len(model.layers), 2):
        if layer > 0:
            activation = activation.tanh()
        activation = activation @ model.layers[layer] + model.layers[layer + 1]
    return {"probabilities": torch.softmax(activation, dim=1).to(x.dtype)}


def answer(row: Row, data: Description, asked: Asked) -> Classification:
    """The most likely classes."""
    return classification(row, data, asked)
