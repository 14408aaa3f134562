"""How a network that learned on the tape is asked, and what it answers.

An answer needs no tape: the forward pass is written in torch's operations, which can be exported. `computation` shows
the tape all the same, for those who want to see it.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from data_utils.description import Description
from graph import graph_of
from inference.answers import Classification, PredictOptions, Row, classification
from model import TapeNetwork
from networks import cross_entropy, tape_scores
from tape import Variable, in_order

Answer = Classification


def outputs(model: TapeNetwork, x: Float[Tensor, "batch *shape"]) -> dict[str, Tensor]:
    """The `probabilities` [batch, classes] that the cross-entropy of equation (11) is of."""
    activation = x.flatten(1).double()
    for layer in range(0, len(model.layers), 2):
        if layer > 0:
            activation = activation.tanh()
        activation = activation @ model.layers[layer] + model.layers[layer + 1]
    return {"probabilities": torch.softmax(activation, dim=1).to(x.dtype)}


def decode(row: Row, data: Description, options: PredictOptions) -> Classification:
    """The most likely classes."""
    return classification(row, data, options)


def computation(model: TapeNetwork, x: Float[Tensor, "one *shape"]) -> dict[str, Any]:
    """The tape of one answer, with the gradients that the way back finds for the loss of the class that is answered.

    Returns:
        What `plotting.autograd.computation_graph` draws: `nodes`, each with the largest entry of its gradient, and
        `edges`.
    """
    scores = tape_scores([Variable(array) for array in model.arrays()], x.flatten(1).double().numpy())
    loss = cross_entropy(scores, scores.data.argmax(axis=1))
    loss.backward()
    names, edges = graph_of(loss)
    gradients = [variable.gradient for variable in in_order(loss) if variable.gradient is not None]  # all of them
    largest = [np.abs(gradient).max() for gradient in gradients]
    return {"nodes": [f"{name}\n∂ {found:.2g}" for name, found in zip(names, largest, strict=True)], "edges": edges}
