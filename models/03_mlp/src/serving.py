"""How a trained network is asked, and what it answers."""

import torch
from jaxtyping import Float
from torch import Tensor

from data_utils.description import Description
from inference.answers import Classification, Decision, PredictOptions, Row, Values, classification, decision, values
from losses import cross_entropy
from model import MLP

Answer = Classification | Decision | Values


def outputs(model: MLP, x: Float[Tensor, "batch *shape"]) -> dict[str, Tensor]:
    """The `values` [batch, targets] of a regression, the `probabilities` [batch, classes] of a network that learned by
    cross-entropy, or the `scores` [batch, outputs] of one that learned by squared error, which are no probabilities.
    """
    top = model(x.flatten(1))[-1]
    if model.regression:
        return {"values": top}
    return {"probabilities": torch.softmax(top, dim=1)} if model.loss is cross_entropy else {"scores": top}


def decode(row: Row, data: Description, options: PredictOptions) -> Classification | Decision | Values:
    """The numbers, the most likely classes, or the class with the largest score; one output says which of two."""
    if "values" in row:
        return values(row, data)
    return classification(row, data, options) if "probabilities" in row else decision(row, data, options, threshold=0.5)
