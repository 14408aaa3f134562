"""Lines in the plane: where w·x + b = 0 crosses a box, and whether any line separates two sets of points."""

import math

import numpy as np
from jaxtyping import Float, Shaped

Limits = tuple[float, float]


def line_in_box(
    weights: Shaped[np.ndarray, "2"], bias: float, x_limits: Limits, y_limits: Limits
) -> Float[np.ndarray, "2 2"] | None:
    """The two ends of w·x + b = 0 inside a box.

    Returns:
        One end a row; None where the line misses the box or there is no line (w = 0 or not finite).
    """
    scale = float(np.abs(weights).max())
    if scale == 0 or not math.isfinite(scale) or not math.isfinite(bias / scale):
        return None
    w, b = weights.astype(float) / scale, bias / scale
    centre = np.array([sum(x_limits) / 2, sum(y_limits) / 2])
    nearest = centre - (w @ centre + b) / (w @ w) * w  # the point of the line closest to the centre
    along = np.array([-w[1], w[0]])
    start, end = -math.inf, math.inf
    for position, direction, (low, high) in zip(nearest, along, (x_limits, y_limits), strict=True):
        if direction == 0:
            if not low <= position <= high:
                return None
            continue
        enter, leave = sorted(((low - position) / direction, (high - position) / direction))
        start, end = max(start, enter), min(end, leave)
    return nearest + np.outer([start, end], along) if start < end else None


def separable(first: Shaped[np.ndarray, "n 2"], second: Shaped[np.ndarray, "m 2"]) -> bool:
    """Whether some line has all of `first` on one side and all of `second` on the other.

    A direction w separates them if w·(p - q) > 0 for every p and q. Such a w exists when all the differences
    p - q fit into an open half-plane: when there is a gap of more than half a turn between their angles.
    Only the corners of the two convex hulls can matter.
    """
    if not len(first) or not len(second):
        return True
    differences = (convex_hull(first)[:, None] - convex_hull(second)[None]).reshape(-1, 2)
    if not differences.any(axis=1).all():
        return False  # the same point in both
    angles = np.sort(np.arctan2(differences[:, 1], differences[:, 0]))
    gaps = np.diff(angles, append=angles[0] + 2 * np.pi)
    return bool(gaps.max() > np.pi + 1e-9)


def convex_hull(points: Shaped[np.ndarray, "n 2"]) -> Float[np.ndarray, "corners 2"]:
    """The corners of the smallest convex polygon around `points` (Andrew's monotone chain)."""
    ordered = [(float(x), float(y)) for x, y in np.unique(points, axis=0)]
    if len(ordered) <= 2:
        return np.array(ordered)
    return np.array(_chain(ordered)[:-1] + _chain(ordered[::-1])[:-1])


def _chain(ordered: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The part of the hull on the right of the way from the first point to the last."""
    chain: list[tuple[float, float]] = []
    for x, y in ordered:
        while len(chain) >= 2:
            (x0, y0), (x1, y1) = chain[-2:]
            if (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) > 0:
                break
            chain.pop()
        chain.append((x, y))
    return chain
