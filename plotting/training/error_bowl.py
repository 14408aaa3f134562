"""Error surface: the squared error of a unit with one weight and a bias, and the way that learning took down it."""

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from plotting.history import History, column, gap_remark, time_unit
from plotting.style import (
    BLUE,
    GRID,
    INK,
    VERMILLION,
    display_name,
    empty_figure,
    footnote,
    headline,
    new_figure,
    styled,
)
from utils.errors import InputError

_LEVELS = 12


@styled
def error_bowl(
    subject: str,
    history: History,
    correlation: Float[np.ndarray, "inputs inputs"],
    optimum: Float[np.ndarray, " inputs"],
    minimum: float,
) -> Figure:
    """Draw lines of equal squared error over weight and bias, and the weights after each record of the run.

    Args:
        subject: What was trained, for the headline.
        history: Rows with `model/weight_0` and `model/bias`.
        correlation: R, the mean of x̃ x̃ᵀ for x̃ = (x, 1), [2, 2].
        optimum: Weight and bias with the least squared error, [2].
        minimum: The squared error there.

    Returns:
        The figure; one that says so if no weights were recorded.

    Raises:
        InputError: The unit has more or fewer than one weight.
    """
    if len(optimum) != 2:
        raise InputError(
            f"plot 'error_bowl' needs a unit with one weight and a bias; {subject} has {len(optimum) - 1} weights"
        )
    unit = time_unit(history)
    curves = [column(history, name, unit) for name in ("model/weight_0", "model/bias")]
    path = np.stack([curve.y for curve in curves], axis=1)
    path = path[np.isfinite(path).all(axis=1)]
    if not len(path):
        return empty_figure(subject, "no weights recorded")

    figure = new_figure(6.4, 5.2)
    axes = figure.add_subplot()
    centre, half = optimum, 1.15 * np.abs(path - optimum).max(axis=0)
    half = np.maximum(half, 0.25 * half.max())  # a walk along one axis still gets a bowl
    half = np.where(half > 0, half, 1.0)
    w, b = (np.linspace(c - h, c + h, 121) for c, h in zip(centre, half, strict=True))
    off = np.stack(np.meshgrid(w - optimum[0], b - optimum[1]), axis=-1)
    above = np.einsum("...i,ij,...j->...", off, correlation, off)
    levels = above.max() * np.linspace(0, 1, _LEVELS + 1)[1:] ** 2  # even in distance, as the error is its square
    axes.contourf(w, b, np.sqrt(above), levels=24, cmap="Greys", alpha=0.35)
    axes.contour(w, b, above, levels=levels, colors=GRID, linewidths=1.0)
    axes.plot(*path.T, color=BLUE, marker="o", markersize=3, linewidth=1.2)
    axes.plot(*path[0], color=BLUE, marker="s", markersize=7)
    axes.plot(*optimum, color=VERMILLION, marker="*", markersize=13)
    axes.set_xlabel("weight w")
    axes.set_ylabel("bias b")
    axes.tick_params(colors=INK)
    first, last = (_error(weights - optimum, correlation, minimum) for weights in (path[0], path[-1]))
    headline(
        figure,
        f"{display_name(subject)}: squared error from {first:.3g} to {last:.3g}, the least possible is {minimum:.3g}"
        f"{gap_remark(curves)}",
    )
    footnote(figure, f"square: start, dots: after each {unit} recorded, star: closed form")
    return figure


def _error(off: np.ndarray, correlation: np.ndarray, minimum: float) -> float:
    return minimum + float(off @ correlation @ off)
