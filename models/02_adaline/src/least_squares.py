"""The answer that the delta rule is looking for, in closed form, and how fast it may walk there.

A unit with a bias is one without, on examples with a constant 1 at their end: x̃ = (x, 1), w̃ = (w, b). Its error is a
bowl with one bottom. The shape of the bowl is R, the correlation of the inputs (deep dive, section 4).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor


@dataclass(frozen=True)
class LeastSquares:
    """The bowl of the squared error over the training examples."""

    correlation: Float64[Tensor, "inputs inputs"]
    """R = mean of x̃ x̃ᵀ; `inputs` counts the constant 1."""
    optimum: Float64[Tensor, " inputs"]
    """w̃*, the bottom; the shortest one where the bowl has a flat direction."""
    minimum: float
    """The mean squared error there."""

    @property
    def rate_limit(self) -> float:
        """(8)  2 / λmax: with a step this long or longer, a full batch does not converge."""
        return 2 / float(torch.linalg.eigvalsh(self.correlation)[-1])


def least_squares(inputs: Float[Tensor, "n *shape"], targets: Float[Tensor, " n"]) -> LeastSquares:
    """Solve for the weights with the least mean squared error.

    Args:
        inputs: The examples; anything beyond one axis is flattened.
        targets: The number that the unit should give for each.

    Returns:
        The bowl, computed in float64.
    """
    x = inputs.flatten(1).double()
    augmented = torch.cat([x, x.new_ones(len(x), 1)], dim=1)
    t = targets.double()
    # exercise normal-equations: R of equation (5), and the optimum of equation (6)
    # (5)  R = mean of x̃ x̃ᵀ,  p = mean of t x̃
    correlation = augmented.T @ augmented / len(augmented)
    p = augmented.T @ t / len(augmented)
    # (6)  R w̃* = p; where R is singular, the shortest solution, which is the one that is reached from zero
    optimum = torch.linalg.pinv(correlation, hermitian=True) @ p
    # end exercise
    minimum = (t - augmented @ optimum).square().mean()
    return LeastSquares(correlation, optimum, float(minimum))


def distances(
    bowl: LeastSquares, rates: Float64[Tensor, " rates"], steps: int
) -> Float64[Tensor, "rates steps_and_start"]:
    """How far from the optimum full-batch learning from zero is after each step, for several learning rates.

    Args:
        bowl: The error.
        rates: Learning rates η.
        steps: How many steps to follow.

    Returns:
        |w̃_k - w̃*| for k = 0 … steps, by the recursion (7) in the directions in which the bowl is a parabola each.
    """
    curvatures, directions = torch.linalg.eigh(bowl.correlation)
    start = directions.T @ bowl.optimum
    k = torch.arange(steps + 1, dtype=torch.float64)
    # (7)  w̃_{k+1} - w̃* = (I - η R)(w̃_k - w̃*)
    shrinkage = (1 - rates[:, None] * curvatures)[:, None, :] ** k[:, None]
    return (start * shrinkage).norm(dim=-1)
