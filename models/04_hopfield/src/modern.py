"""The modern Hopfield network (Ramsauer et al. 2021): continuous states, and a softmax over the stored patterns.

It keeps the patterns themselves. One update asks how similar the state is to each of them, turns the similarities into
shares that sum to one, and moves to the mean of the patterns with these shares. That is the attention of the
transformer, with the state as the query and the patterns as keys and values.

Equation numbers are those of docs/deep_dive.md.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor


def softmax_update(
    states: Float[Tensor, "batch units"], patterns: Float[Tensor, "patterns units"], beta: float
) -> Float[Tensor, "batch units"]:
    """Move each state to a mean of the patterns, weighted by how similar they are to it.

    Args:
        states: Where to start; any real numbers.
        patterns: What is stored, one a row.
        beta: How strongly the most similar pattern is favoured.
    """
    # exercise softmax-update: the new states of equation (7), from states, patterns and beta
    # (7)  s <- Xᵀ softmax(β X s)
    similarities = beta * states @ patterns.T
    shares = torch.exp(similarities - similarities.amax(dim=1, keepdim=True))  # the largest is 1: nothing overflows
    return (shares / shares.sum(dim=1, keepdim=True)) @ patterns
    # end exercise


def softmax_energy(
    states: Float[Tensor, "batch units"], patterns: Float[Tensor, "patterns units"], beta: float
) -> Float[Tensor, " batch"]:
    """What `softmax_update` never raises; at least zero (equation 8)."""
    # exercise softmax-energy: the energy of equation (8), one number a state; torch.logsumexp may be used
    # (8)  E = -lse(β, X s) + s·s/2 + ln(P)/β + M²/2,  lse(β, z) = ln(Σ exp(β z))/β,  M² = max |x|²
    largest = patterns.square().sum(dim=1).max()
    lse = torch.logsumexp(beta * states @ patterns.T, dim=1) / beta
    return -lse + states.square().sum(dim=1) / 2 + math.log(len(patterns)) / beta + largest / 2
    # end exercise
