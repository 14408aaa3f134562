"""Scatter plots of data with two features."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Integer, Shaped
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba

from plotting.geometry import Limits, line_in_box
from plotting.style import HALO, INK, class_colour, class_marker, shorten
from utils.errors import InputError

DRAWN_AT_MOST = 5_000  # more are a blot, and slow
_REACHES = (0.8, 1.0, 1.4, 2.0)  # from the middle to each edge, in ranges of the data
_KEY_IN_A_ROW = 40  # letters
_COMPARABLE = 4.0  # ratio of the two ranges up to which both axes get the same scale
_NARROWEST = 0.55  # of the two sides of a panel, the shorter over the longer


def require_two_features(plot: str, subject: str, inputs: np.ndarray) -> None:
    """Refuse data that do not lie in a plane.

    Raises:
        InputError: `inputs` is not [n, 2].
    """
    if inputs.ndim != 2 or inputs.shape[1] != 2:
        count = math.prod(inputs.shape[1:])
        raise InputError(
            f"plot '{plot}' needs data with two features, but '{subject}' has {count}; choose another plot"
        )


@dataclass(frozen=True)
class View:
    """The part of the plane that is shown."""

    x: Limits
    y: Limits
    same_scale: bool
    """Whether the features are comparable, so that one unit is as long on both axes and right angles look right."""

    @property
    def shape(self) -> float:
        """Aspect ratio of the panel: height over width."""
        return (self.y[1] - self.y[0]) / (self.x[1] - self.x[0]) if self.same_scale else 1.0


def view(inputs: Shaped[np.ndarray, "n 2"], lines: Sequence[tuple[Shaped[np.ndarray, "2"], float]] = ()) -> View:
    """Choose what to show: the points with room around them, and more where that brings more of `lines` into sight.

    Args:
        inputs: The points.
        lines: For each line w·x + b = 0 its w and b.
    """
    low, high = inputs.min(axis=0).astype(float), inputs.max(axis=0).astype(float)
    middle, span = (low + high) / 2, high - low
    span[span == 0] = span.max() or 1.0
    same_scale = bool(span.max() <= _COMPARABLE * span.min())
    if same_scale:
        span = np.maximum(span, _NARROWEST * span.max())

    def reaching(far: float) -> View:
        (left, bottom), (right, top) = (middle - far * span).tolist(), (middle + far * span).tolist()
        return View((left, right), (bottom, top), same_scale)

    def lines_in_sight(candidate: View) -> int:
        return sum(line_in_box(weights, bias, candidate.x, candidate.y) is not None for weights, bias in lines)

    return max(map(reaching, _REACHES), key=lines_in_sight)  # of equals the first, which is the closest


def draw_points(
    axes: Axes,
    inputs: Shaped[np.ndarray, "n 2"],
    targets: Integer[np.ndarray, " n"],
    class_names: tuple[str, ...],
    wrong: Bool[np.ndarray, " n"] | None = None,
) -> str:
    """Draw each class in its colour and shape, ring the mistakes, and say above the panel which is which.

    Returns:
        A remark on points left out, for the footnote; empty if all are drawn.
    """
    count = len(inputs)
    chosen = np.unique(np.linspace(0, count - 1, min(count, DRAWN_AT_MOST)).round().astype(int))
    inputs, targets = inputs[chosen], targets[chosen]
    size, ring, ink = (90.0, 1.4, 1.0) if count <= 20 else (30.0, 1.2, 1.0) if count <= 1000 else (10.0, 0.5, 0.5)
    for index in np.unique(targets).tolist():
        x, y = inputs[targets == index].T
        axes.scatter(
            x,
            y,
            s=size,
            color=class_colour(index),
            marker=class_marker(index),
            edgecolors="white",
            linewidths=0.6,
            label=shorten(class_names[index]),
            zorder=3,
        )
    if wrong is not None and wrong[chosen].any():
        x, y = inputs[wrong[chosen]].T
        rings: dict[str, Any] = {"facecolors": "none", "edgecolors": to_rgba(INK, ink), "linewidths": ring}
        axes.scatter(x, y, s=3 * size, label="wrong answer", zorder=5, **rings)
    letters = sum(len(label) for label in axes.get_legend_handles_labels()[1])
    columns = 4 if letters <= _KEY_IN_A_ROW else 2
    key = axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, borderaxespad=0.3, columnspacing=1.2)
    for handle in key.legend_handles:
        if isinstance(handle, PathCollection):
            handle.set_sizes([45.0])
    return f"{len(chosen):,} of {count:,} points drawn" if len(chosen) < count else ""


def name_axes(axes: Axes, feature_names: tuple[str, ...], seen: View) -> None:
    """Label both axes and fix their limits and scale."""
    across, up = (shorten(name, 40) for name in feature_names)
    axes.set(xlim=seen.x, ylim=seen.y, xlabel=across, ylabel=up, aspect="equal" if seen.same_scale else "auto")


def name_line(axes: Axes, ends: Float[np.ndarray, "2 2"], text: str, place: float, **style: Any) -> None:
    """Write `text` along the line between `ends`, starting (or, past the middle, ending) at the share `place` of it."""
    left, right = sorted(ends.tolist())
    angle = math.degrees(math.atan2(right[1] - left[1], right[0] - left[0]))
    axes.text(
        left[0] + place * (right[0] - left[0]),
        left[1] + place * (right[1] - left[1]),
        text,
        rotation=angle,
        rotation_mode="anchor",
        transform_rotates_text=True,
        ha="left" if place < 0.5 else "right",
        va="bottom",
        fontsize=9,
        path_effects=HALO,
        zorder=6,
        **style,
    )
