"""How a trained network is asked, and what it answers."""

from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from data_utils.description import Description
from inference.answers import Classification, Decision, PredictOptions, Row, Values, classification, decision, values
from losses import cross_entropy
from model import MLP, network_for

if TYPE_CHECKING:
    from engine.config import ExperimentConfig

Answer = Classification | Decision | Values


def build(config: "ExperimentConfig[Any]", data: Description) -> MLP:
    """The network that a checkpoint's weights go into."""
    return network_for(config.model, data)


def ask(model: MLP, x: Float[Tensor, "batch *shape"]) -> dict[str, Tensor]:
    """The `values` [batch, targets] of a regression, the `probabilities` [batch, classes] of a network that learned by
    cross-entropy, or the `scores` [batch, outputs] of one that learned by squared error, which are no probabilities.
    """
    outputs = model(x.flatten(1))[-1]
    if model.regression:
        return {"values": outputs}
    return {"probabilities": torch.softmax(outputs, dim=1)} if model.loss is cross_entropy else {"scores": outputs}


def answer(row: Row, data: Description, asked: PredictOptions) -> Classification | Decision | Values:
    """The numbers, the most likely classes, or the class with the largest score; one output says which of two."""
    if "values" in row:
        return values(row, data)
    return classification(row, data, asked) if "probabilities" in row else decision(row, data, asked, threshold=0.5)
