"""Weight trajectory: how the line of a linear model moved while it learned."""

import numpy as np
from jaxtyping import Float, Integer, Shaped
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from plotting.geometry import line_in_box
from plotting.history import Column, History, column, draw_curve, gap_remark, time_axis, time_unit
from plotting.points import View, draw_points, name_axes, name_line, require_two_features, view
from plotting.style import (
    BLUE,
    FAINT,
    INK,
    VERMILLION,
    display_name,
    empty_figure,
    footnote,
    headline,
    label_ends,
    new_figure,
    styled,
)

_PARAMETERS = {"model/weight_0": ("w₁", BLUE), "model/weight_1": ("w₂", VERMILLION), "model/bias": ("b", INK)}
_LINES = 12  # more cannot be told apart
_AGE = LinearSegmentedColormap.from_list("age", ["#CFCFCF", INK])


@styled
def weight_trajectory(
    subject: str,
    history: History,
    inputs: Shaped[np.ndarray, "n *shape"],
    targets: Integer[np.ndarray, " n"],
    class_names: tuple[str, ...],
    feature_names: tuple[str, ...],
) -> Figure:
    """Draw the lines w·x + b = 0 of successive epochs over the data, from faint to strong, and w and b over epochs.

    Args:
        subject: What was trained, for the headline.
        history: Rows with `model/weight_0`, `model/weight_1` and `model/bias`.
        inputs: Examples, [n, 2].
        targets: Their class indices, [n].
        class_names: A name for each class index.
        feature_names: Names of the two features.

    Returns:
        The figure; one that says so if no weights were recorded.

    Raises:
        InputError: The data have more or fewer than two features.
    """
    require_two_features("weight_trajectory", subject, inputs)
    if not len(inputs):
        return empty_figure(subject, "no examples to draw")
    unit = time_unit(history)
    curves = [column([row for row in history if _PARAMETERS.keys() <= row.keys()], name, unit) for name in _PARAMETERS]
    values = np.stack([curve.y for curve in curves], axis=1)
    finite = np.isfinite(values).all(axis=1)
    if not finite.any():
        return empty_figure(subject, "no weights recorded")
    times, values = curves[0].x[finite], values[finite]

    chosen, thinned = _chosen(values)
    lines = [(values[i, :2], float(values[i, 2])) for i in chosen]
    seen = view(inputs, lines)
    figure = new_figure(9.4, 1.5 + 3.4 * min(max(seen.shape, 0.75), 1.0))
    plane, panel = figure.subplots(1, 2, width_ratios=(1.25, 1))
    left_out = draw_points(plane, inputs, targets, class_names)
    name_axes(plane, feature_names, seen)
    hidden = _draw_lines(plane, lines, [f"{unit} {times[i]:,g}" for i in chosen], seen)
    _draw_parameters(panel, curves, unit)
    footnote(figure, thinned, hidden, left_out)
    headline(figure, f"{display_name(subject)}: {_finding(times, values, unit)}{gap_remark(curves)}")
    return figure


def _chosen(values: Float[np.ndarray, "m 3"]) -> tuple[list[int], str]:
    """The records whose lines are drawn: those that differ from the one before, thinned if many; and a remark."""
    exists = values[:, :2].any(axis=1)
    moved = np.append(True, (np.diff(values, axis=0) != 0).any(axis=1))
    distinct = np.flatnonzero(exists & moved)
    chosen = distinct[np.unique(np.linspace(0, len(distinct) - 1, min(len(distinct), _LINES)).round().astype(int))]
    remarks = []
    if len(chosen) < len(distinct):
        remarks.append(f"{len(chosen)} of {len(distinct):,} lines drawn")
    if not exists.all():
        remarks.append(f"no line where w = 0 ({int((~exists).sum()):,} of {len(values):,} records)")
    return chosen.tolist(), "; ".join(remarks)


def _draw_lines(axes: Axes, lines: list[tuple[Float[np.ndarray, "2"], float]], names: list[str], seen: View) -> str:
    """Draw the lines from faint to strong and name the first and the last; return a remark on those out of sight."""
    visible = [(line_in_box(*line, seen.x, seen.y), name) for line, name in zip(lines, names, strict=True)]
    drawn = [(ends, name) for ends, name in visible if ends is not None]
    for i, (ends, name) in enumerate(drawn):
        age = (i + 1) / len(drawn)
        axes.plot(*ends.T, color=_AGE(age), linewidth=0.9 + 1.3 * age, zorder=4)
        if i == len(drawn) - 1:
            name_line(axes, ends, name, 0.97, fontweight="bold")
        elif i == 0:
            name_line(axes, ends, name, 0.03, color=FAINT)
    hidden = len(visible) - len(drawn)
    return f"{hidden} {'line lies' if hidden == 1 else 'lines lie'} outside the picture" if hidden else ""


def _draw_parameters(axes: Axes, curves: list[Column], unit: str) -> None:
    axes.axhline(0, color=FAINT, linewidth=0.8)
    ends = []
    for curve, (name, colour) in zip(curves, _PARAMETERS.values(), strict=True):
        draw_curve(axes, curve, color=colour)
        if curve.finite.any():
            ends.append((name, float(curve.y[curve.finite][-1]), colour))
    axes.set_title("Weights w₁, w₂ and bias b")
    axes.set_ylabel("value")
    time_axis(axes, curves, unit)
    label_ends(axes, ends)


def _finding(times: Float[np.ndarray, " m"], values: Float[np.ndarray, "m 3"], unit: str) -> str:
    changes = np.flatnonzero((np.diff(values, axis=0) != 0).any(axis=1)) + 1
    if len(values) == 1:
        return f"the line at {unit} {times[0]:,g}, the only one recorded"
    if not len(changes):
        return f"the line did not move from {unit} {times[0]:,g} to {times[-1]:,g}"
    last = changes[-1]
    if last == len(values) - 1:
        return f"the line was still moving at the end, {unit} {times[last]:,g}"
    return f"the line came to rest at {unit} {times[last]:,g} of {times[-1]:,g}"
