"""Losses, each with its slope: what the backward pass starts from.

Both are means over the examples of a batch. Equation numbers are those of docs/deep_dive.md.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

Outputs = Float[Tensor, "batch outputs"]
Targets = Int[Tensor, " batch"] | Float[Tensor, "batch outputs"]
Loss = Callable[[Outputs, Targets], tuple[Float[Tensor, ""], Outputs]]
"""From outputs and targets to the loss and its derivative with respect to each output."""


def cross_entropy(outputs: Outputs, targets: Int[Tensor, " batch"]) -> tuple[Float[Tensor, ""], Outputs]:
    """The mean of -log p[target], where p is the softmax of the outputs.

    Args:
        outputs: One score for each class.
        targets: The classes.

    Returns:
        The loss in nats, and its derivative with respect to the outputs.
    """
    target = targets[:, None]
    # exercise cross-entropy: the loss of equations (7) and (8), and its derivative (9); both as a pair
    # (7)  p_k = exp(o_k) / Σ_j exp(o_j); the largest output is taken off first, which changes nothing but overflow
    shifted = outputs - outputs.max(dim=1, keepdim=True).values
    powers = torch.exp(shifted)
    totals = powers.sum(dim=1, keepdim=True)
    # (8)  L = mean of -log p_t
    loss = (totals.log() - shifted.gather(1, target)).mean()
    # (9)  ∂L/∂o_k = (p_k - [k = t]) / n
    slope = powers / totals
    slope.scatter_add_(1, target, -torch.ones_like(totals))
    return loss, slope / len(outputs)
    # end exercise


def squared_error(outputs: Outputs, targets: Targets) -> tuple[Float[Tensor, ""], Outputs]:
    """Half the squared distance between outputs and targets, the mean over the examples.

    Args:
        outputs: The answers.
        targets: What they should be; classes are wanted as 1 at the class and 0 elsewhere, or, where there is one
            output, as 0 or 1.

    Returns:
        The loss, and its derivative with respect to the outputs.
    """
    wanted = as_outputs(targets, outputs)
    # exercise squared-error: the loss of equation (10), and its derivative (11); both as a pair
    # (10)  L = 1/(2n) Σ_i Σ_k (o_ik - t_ik)²
    error = outputs - wanted
    loss = error.square().sum() / (2 * len(outputs))
    # (11)  ∂L/∂o = (o - t) / n
    return loss, error / len(outputs)
    # end exercise


def as_outputs(targets: Targets, outputs: Outputs) -> Outputs:
    """What the outputs should be, in their shape and type."""
    if targets.is_floating_point():
        return targets
    if outputs.shape[1] == 1:
        return targets[:, None].to(outputs.dtype)
    return torch.zeros_like(outputs).scatter_(1, targets[:, None], 1.0)


LOSSES: dict[str, Loss] = {"cross_entropy": cross_entropy, "squared_error": squared_error}
