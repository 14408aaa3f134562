"""Decision boundary: which class the model answers where, over data with two features."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Integer, Shaped
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from plotting.geometry import line_in_box, separable
from plotting.points import View, draw_points, name_axes, name_line, require_two_features, view
from plotting.style import (
    HALO,
    INK,
    class_colour,
    display_name,
    empty_figure,
    footnote,
    headline,
    new_figure,
    shorten,
    styled,
)

_GRID = 400  # places along each axis where the model is asked
_TINT = 0.2  # strength of a region's colour
_ARROW = 0.12  # length of w, as a share of the panel
_FLAT = "w is as good as 0: the scores hardly differ, so which side they are on says nothing and no region is shaded"


@styled
def decision_boundary(
    subject: str,
    inputs: Shaped[np.ndarray, "n *shape"],
    targets: Integer[np.ndarray, " n"],
    predict: Callable[[np.ndarray], np.ndarray],
    class_names: tuple[str, ...],
    feature_names: tuple[str, ...],
    split: str = "",
    weights: Shaped[np.ndarray, " features"] | None = None,
    bias: float = 0.0,
    seen: View | None = None,
    undecided: float | None = None,
) -> Figure:
    """Shade the plane by the model's answer, draw the data on it and ring the mistakes.

    Args:
        subject: What was trained, for the headline.
        inputs: Examples, [n, 2].
        targets: Their class indices, [n].
        predict: From inputs [m, 2] to class indices [m].
        class_names: A name for each class index.
        feature_names: Names of the two features.
        split: Which examples these are, such as `validation`.
        weights: w of a linear model, [2]; the line w·x + b = 0 is drawn, and w as an arrow.
        bias: b of a linear model; without one, b = 0.
        seen: The part of the plane to show; with one, there may be no examples. Without, `view` chooses it.
        undecided: A linear score that is no farther from 0 decides nothing; None where scores have no unit.

    Raises:
        InputError: The data have more or fewer than two features.
    """
    require_two_features("decision_boundary", subject, inputs)
    if seen is None and not len(inputs):
        return empty_figure(subject, "no examples to draw")
    flat = weights is not None and undecided is not None and _within(undecided, weights, bias, seen or view(inputs))
    if weights is not None and flat:
        weights = np.zeros_like(weights)
    seen = seen or view(inputs, [] if weights is None else [(weights, bias)])
    wrong = np.asarray(predict(inputs)) != targets

    figure = new_figure(5.6, 1.5 + 4.4 * min(seen.shape, 1.0))
    axes = figure.add_subplot()
    if not flat:
        _shade(axes, predict, seen, inputs.dtype)
    remarks = [draw_points(axes, inputs, targets, class_names, wrong)] if len(inputs) else []
    name_axes(axes, feature_names, seen)
    if weights is not None:
        remarks.insert(0, _draw_line(axes, weights, bias, seen, class_names))
    footnote(figure, _FLAT if flat else "", *remarks)
    finding = _finding(inputs, targets, wrong, class_names, weights, bias)
    right = f"{int((~wrong).sum()):,} of {len(wrong):,} {_examples(split)} right" if len(wrong) else "no points yet"
    headline(figure, f"{display_name(subject)}: {finding}{right}")
    return figure


def _within(undecided: float, weights: np.ndarray, bias: float, seen: View) -> bool:
    """Whether w·x + b is no farther from 0 than `undecided` in all of the panel; it is farthest in a corner."""
    corners = np.array([(x, y) for x in seen.x for y in seen.y])
    return bool((np.abs(corners @ weights + bias) <= undecided).all())


def _shade(axes: Axes, predict: Callable[[np.ndarray], np.ndarray], seen: View, dtype: np.dtype) -> None:
    # The model is asked at the middle of each cell, so that a region ends where its cells end.
    x, y = ((low + (high - low) * (np.arange(_GRID) + 0.5) / _GRID) for low, high in (seen.x, seen.y))
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2).astype(dtype)
    answers = np.asarray(predict(grid)).reshape(_GRID, _GRID).astype(int)
    tints = np.array([1 - _TINT * (1 - np.array(to_rgb(class_colour(index)))) for index in range(answers.max() + 1)])
    axes.imshow(tints[answers], origin="lower", extent=(*seen.x, *seen.y), interpolation="nearest", aspect="auto")


def _draw_line(axes: Axes, weights: np.ndarray, bias: float, seen: View, class_names: tuple[str, ...]) -> str:
    """Draw w·x + b = 0 with its name, and w standing on it; return the remark that explains them."""
    ends = line_in_box(weights, bias, seen.x, seen.y)
    if ends is None:
        return "the line w·x + b = 0 lies outside the picture" if _is_line(weights, bias) else ""
    axes.plot(*ends.T, color=INK, linewidth=2, zorder=4, path_effects=HALO)
    name_line(axes, ends, "w·x + b = 0", 0.03)
    middle, span = ends.mean(axis=0), np.ptp((seen.x, seen.y), axis=1)
    tip = middle + _ARROW * weights / np.linalg.norm(weights / span)
    if any(not low < place < high for place, (low, high) in zip(tip, (seen.x, seen.y), strict=True)):
        return ""
    arrow = {"arrowstyle": "-|>", "color": INK, "linewidth": 1.6, "mutation_scale": 14, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", tip, xytext=middle, arrowprops=arrow, zorder=6)
    axes.annotate("w", tip, xytext=(4, 4), textcoords="offset points", fontweight="bold", zorder=6, path_effects=HALO)
    slanted = "" if seen.same_scale else " (at a right angle to the line only if both axes had one scale)"
    return f"w points to the side of '{shorten(class_names[1])}'{slanted}"


def _finding(
    inputs: np.ndarray,
    targets: np.ndarray,
    wrong: Bool[np.ndarray, " n"],
    class_names: tuple[str, ...],
    weights: np.ndarray | None,
    bias: float,
) -> str:
    """What the line does, in words, to stand before the count."""
    present = np.unique(targets).tolist()
    if len(present) == 1:
        return f"all points are '{shorten(class_names[present[0]])}', "
    if weights is None or len(present) != 2:
        return ""
    if not _is_line(weights, bias):
        return f"{'w = 0 gives' if not weights.any() else 'weights that are not finite give'} no line, "
    if not wrong.any():
        return "the line separates the classes, "
    if separable(*(inputs[targets == index] for index in present)):
        return "this line does not separate the classes but another would, "
    return "no line separates the classes, "


def _is_line(weights: np.ndarray, bias: float) -> bool:
    return bool(weights.any() and np.isfinite([*weights, bias]).all())


def _examples(split: str) -> str:
    return {"": "points", "train": "training points"}.get(split, f"{split} points")
