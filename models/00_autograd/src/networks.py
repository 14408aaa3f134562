"""The same small network three times: on the tape, by hand, and in torch. Each gives the loss and all gradients.

The network is that of chapter 03: layers of weighted sums, tanh between them, and the cross-entropy of the scores of
the classes. `parameters` is W_1, b_1, W_2, b_2, …: W has shape [inputs, outputs].
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float64, Int

from operations import logsumexp, mean, pick, tanh
from tape import Variable

Matrix = Float64[np.ndarray, "n features"]
Classes = Int[np.ndarray, " n"]
Parameters = Sequence[np.ndarray]
LossAndGradients = tuple[float, list[np.ndarray]]


def tape_scores(parameters: Sequence[Variable], inputs: Matrix) -> Variable:
    """The scores of the classes, [n, classes], on the tape."""
    activation = Variable(inputs)
    for layer in range(0, len(parameters), 2):
        if layer > 0:
            activation = tanh(activation)
        activation = activation @ parameters[layer] + parameters[layer + 1]
    return activation


def cross_entropy(scores: Variable, classes: Classes) -> Variable:
    """The loss, the last variable of a tape."""
    # exercise cross-entropy: equation (11), from `logsumexp` over axis 1, `pick` and `mean`
    # (11)  L = mean of (log Σ_c e^z_c - z_t)
    return mean(logsumexp(scores, axis=1) - pick(scores, classes))
    # end exercise


def by_tape(parameters: Parameters, inputs: Matrix, classes: Classes) -> LossAndGradients:
    """Loss and gradients, the way back found by the tape."""
    leaves = [Variable(parameter) for parameter in parameters]
    loss = cross_entropy(tape_scores(leaves, inputs), classes)
    loss.backward()
    return float(loss.data), [leaf.gradient for leaf in leaves if leaf.gradient is not None]


def by_hand(parameters: Parameters, inputs: Matrix, classes: Classes) -> LossAndGradients:
    """Loss and gradients in closed form: the way back written out, as chapter 03 derives it."""
    activations, scores = [inputs], inputs
    for layer in range(0, len(parameters), 2):
        if layer > 0:
            activations.append(np.tanh(scores))
        scores = activations[-1] @ parameters[layer] + parameters[layer + 1]
    rows = np.arange(len(classes))
    shifted = scores - scores.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    sums = exponentials.sum(axis=1, keepdims=True)
    loss = float((np.log(sums[:, 0]) - shifted[rows, classes]).mean())

    # exercise by-hand: the error of the scores, equation (12), then the gradients layer by layer, equation (13)
    # (12)  ∂L/∂z = (softmax(z) - one_hot(t)) / n
    delta = exponentials / sums
    delta[rows, classes] -= 1
    delta /= len(classes)
    gradients: list[np.ndarray] = []
    for layer in range(len(parameters) - 2, -1, -2):
        h = activations[layer // 2]
        # (13)  W̄ = hᵀ δ,  b̄ = Σ δ,  δ <- (δ Wᵀ)(1 - h²)
        gradients = [h.T @ delta, delta.sum(axis=0), *gradients]
        if layer > 0:
            delta = (delta @ parameters[layer].T) * (1 - h**2)
    # end exercise
    return loss, gradients


def by_torch(parameters: Parameters, inputs: Matrix, classes: Classes) -> LossAndGradients:
    """Loss and gradients by torch's autograd."""
    with torch.enable_grad():
        leaves = [torch.tensor(parameter, requires_grad=True) for parameter in parameters]
        scores = torch.tensor(inputs)
        for layer in range(0, len(leaves), 2):
            if layer > 0:
                scores = scores.tanh()
            scores = scores @ leaves[layer] + leaves[layer + 1]
        loss = torch.nn.functional.cross_entropy(scores, torch.tensor(classes))
        gradients = torch.autograd.grad(loss, leaves)
    return loss.item(), [gradient.numpy() for gradient in gradients]
