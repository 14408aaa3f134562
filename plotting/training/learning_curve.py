"""Learning curve: the loss and the metrics over the run, accuracy and error of classes, mse and mae of numbers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from plotting.history import Column, History, column, draw_curve, gap_remark, time_axis, time_unit
from plotting.style import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    VERMILLION,
    display_name,
    empty_figure,
    footnote,
    headline,
    label_ends,
    new_figure,
    percent,
    plain_log_labels,
    styled,
)

_MEASURES = ("loss", "accuracy", "error", "mse", "mae")
_SHARES = ("accuracy", "error")  # drawn in percent
_ROLES: dict[str, dict[str, Any]] = {  # from the background to the front
    "batch": {"color": FAINT, "linewidth": 0.9, "alpha": 0.6},
    "train": {"color": BLUE},
    "validation": {"color": VERMILLION, "linestyle": (0, (5, 2))},
    "test": {"color": GREEN, "linestyle": (0, (1, 1.5))},
}
_NAMES = {"batch": "batches", "train": "training", "validation": "validation", "test": "test"}
_WIDE = 0.3  # a smaller change than this in accuracy is shown enlarged
_LOG_FROM = 50.0  # a loss that falls by this factor is flat on a linear axis for most of the run


@styled
def learning_curve(subject: str, history: History, bounds: Mapping[str, float] | None = None) -> Figure:
    """Draw the loss and the metrics over epochs, one panel each, with every split that was evaluated.

    Batch values (means while the weights moved) are faint, splits (fixed weights) are strong.

    Args:
        subject: What was trained, for the headline.
        history: Rows of `metrics.jsonl`.
        bounds: Known limits to draw as lines, by metric: `{"train/accuracy": 0.75}`.

    Returns:
        The figure; one that says so if nothing was recorded.
    """
    unit = time_unit(history)
    panels: dict[str, dict[str, Column]] = {}
    for measure in _MEASURES:
        curves = {role: column(history, f"{role}/{measure}", unit) for role in _ROLES}
        if any(len(curve.x) for curve in curves.values()):
            panels[measure] = {role: curve for role, curve in curves.items() if len(curve.x)}
    if not panels:
        return empty_figure(subject, "no evaluations recorded")

    figure = new_figure(1.2 + 4.4 * len(panels), 3.9)
    for axes, (measure, curves) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        _draw_panel(axes, measure, curves, unit, bounds or {})
    if any("batch" in curves for curves in panels.values()):
        footnote(figure, "batches: means over the batches between two records, while the weights moved")
    everything = [curve for curves in panels.values() for curve in curves.values()]
    headline(figure, f"{display_name(subject)}: {_finding(panels, unit)}{gap_remark(everything)}")
    return figure


def _draw_panel(axes: Axes, measure: str, curves: Mapping[str, Column], unit: str, bounds: Mapping[str, float]) -> None:
    for role, curve in curves.items():
        draw_curve(axes, curve, **_ROLES[role])
    limits = {bound for name, bound in bounds.items() if name.endswith(f"/{measure}")}
    for limit in limits:
        axes.axhline(limit, color=INK, linewidth=1, linestyle=(0, (2, 2)))

    axes.set_ylabel(f"{measure} (percent)" if measure in _SHARES else measure)
    values = np.concatenate([curve.y[curve.finite] for curve in curves.values()])
    if measure in _SHARES:
        axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.4g}%"))
        if values.size and not 0 < np.ptp(values) < _WIDE:
            axes.set_ylim(0, 1.02)
    elif values.size and values.min() > 0 and values.max() > _LOG_FROM * values.min():
        axes.set_yscale("log")
        plain_log_labels(axes.yaxis)
    time_axis(axes, list(curves.values()), unit)
    axes.set_title(_change(measure, curves[_leading(curves)]) + (", log scale" if axes.get_yscale() == "log" else ""))

    ends = [
        (_NAMES[role], curve.y[curve.finite][-1], _ROLES[role]["color"])
        for role, curve in curves.items()
        if curve.finite.any()
    ]
    label_ends(axes, ends + [(f"limit {_written(measure, limit)}", limit, INK) for limit in sorted(limits)])


def _leading(curves: Mapping[str, Column]) -> str:
    """The split that the words speak of: the one that says most about new data."""
    return next(role for role in ("validation", "test", "train", "batch") if role in curves)


def _finding(panels: Mapping[str, Mapping[str, Column]], unit: str) -> str:
    """The result in words: where the most telling metric ends, and its best if that was better."""
    measure = next(measure for measure in ("accuracy", "error", "mse", "mae", "loss") if measure in panels)
    role = _leading(panels[measure])
    curve = panels[measure][role]
    name = f"{'training' if role == 'train' else role} {measure}"
    if not curve.finite.any():
        return f"{name} was never finite"
    best_of = np.nanargmax if measure == "accuracy" else np.nanargmin
    best, last = int(best_of(curve.y)), int(np.flatnonzero(curve.finite)[-1])
    words = f"{name} ends at {_written(measure, curve.y[last])}"
    if curve.y[best] == curve.y[last]:
        return words
    return f"{words}, best {_written(measure, curve.y[best])} at {unit} {curve.x[best]:,g}"


def _change(measure: str, curve: Column) -> str:
    values = curve.y[curve.finite]
    if not values.size:
        return f"{measure} was never finite".capitalize()
    first, last = values[0], values[-1]
    if first == last:
        return f"{measure} starts and ends at {_written(measure, last)}".capitalize()
    verb = "rises" if last > first else "falls"
    return f"{measure} {verb} from {_written(measure, first)} to {_written(measure, last)}".capitalize()


def _written(measure: str, value: float) -> str:
    return percent(float(value)) if measure in _SHARES else f"{value:.3g}"
