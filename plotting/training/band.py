"""Seed band: a run against the band of its experiment, what other seeds did, and how far a run may be from that."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plotting.history import Column, draw_curve, gap_remark, time_axis
from plotting.style import (
    BLUE,
    FAINT,
    SKY,
    VERMILLION,
    display_name,
    footnote,
    headline,
    label_ends,
    new_figure,
    plain_log_labels,
    styled,
)

Bands = Mapping[str, Mapping[str, Any]]
"""Metric to `run` (its steps and values), and of the band `steps`, `seeds` (lowest and highest), `middle`, `limits`
(lowest and highest), `logarithmic`, and `leaves_at`, the step where the run leaves it, or None."""


@styled
def band(subject: str, bands: Bands) -> Figure:
    """Draw each metric of a run over the band of its experiment, one panel each.

    Args:
        subject: The experiment, for the headline.
        bands: See `Bands`; at least one.
    """
    curves = {metric: _column(metric, *known["run"]) for metric, known in bands.items()}
    figure = new_figure(1.2 + 3.6 * len(curves), 3.9)
    for axes, (metric, curve) in zip(figure.subplots(1, len(curves), squeeze=False)[0], curves.items(), strict=True):
        _draw_panel(axes, curve, bands[metric])
    footnote(figure, "dark: between the seeds of the experiment; light: as far as another seed may be; line: median")
    headline(figure, f"{display_name(subject)}: {_finding(curves, bands)}{gap_remark(list(curves.values()))}")
    return figure


def _draw_panel(axes: Axes, curve: Column, known: Mapping[str, Any]) -> None:
    steps = known["steps"]
    if known["logarithmic"]:
        axes.set_yscale("log")
        plain_log_labels(axes.yaxis)
    for name, colour, alpha in (("limits", SKY, 0.25), ("seeds", BLUE, 0.35)):
        low, high = known[name]
        axes.fill_between(steps, low, high, color=colour, alpha=alpha, linewidth=0)
    axes.plot(steps, known["middle"], color=BLUE, linewidth=1)
    leaves = known["leaves_at"]
    if leaves is not None:
        axes.axvline(leaves, color=FAINT, linewidth=1, linestyle=(0, (2, 2)))
    time_axis(axes, [curve, _column("seeds", steps, known["middle"])], "step")
    _look_at(axes, [*known["seeds"][0], *known["seeds"][1], *curve.y[curve.finite]])
    shown = replace(curve, y=np.maximum(curve.y, axes.get_ylim()[0]))  # a zero has no place on a logarithmic axis
    draw_curve(axes, shown, color=VERMILLION)
    axes.set_ylabel(curve.name)
    axes.set_title("Stays inside" if leaves is None else f"Leaves at step {leaves:,}")
    ends = [("seeds", known["middle"][-1], BLUE)]
    if curve.finite.any():
        ends.append(("run", shown.y[shown.finite][-1], VERMILLION))
    label_ends(axes, ends)


def _look_at(axes: Axes, values: Sequence[float]) -> None:
    """Let the seeds and the run fill the panel; the light area may end outside it."""
    logarithmic = axes.get_yscale() == "log"
    shown = [value for value in values if value > 0 or not logarithmic]
    ends = np.array([min(shown), max(shown)], dtype=float)
    if logarithmic:
        ends = np.log(ends)
    room = 0.2 * (ends[1] - ends[0]) or 0.1
    low, high = ends[0] - room, ends[1] + room
    axes.set_ylim(*(np.exp([low, high]) if logarithmic else (low, high)))


def _column(name: str, steps: Sequence[int], values: Sequence[float]) -> Column:
    y = np.array(values, dtype=float)
    return Column(name, np.array(steps, dtype=float), np.where(np.isfinite(y), y, np.nan))


def _finding(curves: Mapping[str, Column], bands: Bands) -> str:
    leaving = [metric for metric in curves if bands[metric]["leaves_at"] is not None]
    if not leaving:
        return "the run stays inside the band of its experiment"
    return f"the run leaves the band of its experiment in {', '.join(leaving)}"
