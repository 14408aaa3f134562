"""How far apart two classes are: the margin γ and the radius R of Novikoff's bound.

A perceptron with a bias is one without, on examples with a constant 1 at their end: x̃ = (x, 1). Turn the examples of
class 0 round, z = t·x̃; then a direction u separates the classes if u·z > 0 for every z, and its margin is the smallest
u·z. The largest margin of all is the distance from the origin to the convex hull of the z, and the best direction
points to the hull's nearest point (deep dive, section 6). That point is found as Mitchell, Dem'yanov and Malozemov did
(1974): hold it as a weighted mean of the z, and keep moving weight from the worst z in use to the best one.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

_ENOUGH = 1e-9  # stop when γ is known to this relative precision: far finer than a bound on a count needs


@dataclass(frozen=True)
class Margin:
    """A proof that data is separable: a direction, and how far every example is on its right side.

    `margin` is a true margin of `direction`, whether or not the search had converged: at most γ, so that the bound
    computed from it holds in any case.
    """

    direction: Float[Tensor, " features_and_bias"]
    """Unit vector in the space of (x, 1)."""
    margin: float
    """The smallest t (direction · (x, 1)) over the examples; more than 0."""
    radius: float
    """The largest norm of an (x, 1)."""


def largest_margin(inputs: Float[Tensor, "n *shape"], targets: Int[Tensor, " n"], iterations: int) -> Margin | None:
    """Look for the direction with the largest margin.

    Args:
        inputs: The examples; anything beyond one axis is flattened.
        targets: Their classes, 0 or 1.
        iterations: When to give up; 0 is not to begin. One costs a product of the examples with a vector.

    Returns:
        The best direction found, or None where none separates the classes: the data is not separable, or so nearly
        not that `iterations` did not suffice.
    """
    if iterations == 0:
        return None
    x = inputs.flatten(1).double()
    augmented = torch.cat([x, x.new_ones(len(x), 1)], dim=1)
    z = augmented * (targets.double() * 2 - 1)[:, None]
    radius = augmented.norm(dim=1).max()

    share = z.new_zeros(len(z))  # the nearest point so far is share @ z
    share[0] = 1.0
    point = z[0].clone()
    for _ in range(iterations):
        distance = point.norm()  # an upper bound on γ, as the point lies in the hull
        if distance <= _ENOUGH * radius:
            return None  # the hull reaches the origin
        heights = z @ point
        low = heights.argmin()
        if heights[low] >= (1 - _ENOUGH) * distance**2:
            break  # the margin of this direction has met the upper bound
        high = heights.where(share > 0, -torch.inf).argmax()
        along = z[low] - z[high]
        moved = torch.minimum(-(point @ along) / (along @ along), share[high])  # to the nearest point on the way
        share[low] += moved
        share[high] -= moved
        point += moved * along

    direction = point / point.norm()
    margin = (z @ direction).min()
    return Margin(direction, float(margin), float(radius)) if margin > 0 else None
