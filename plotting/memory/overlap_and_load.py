"""Capacity: how well a network recalls its patterns as more of them are stored."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from plotting.history import Column, History, column, draw_curve, gap_remark
from plotting.style import (
    FAINT,
    INK,
    class_colour,
    display_name,
    empty_figure,
    headline,
    label_ends,
    new_figure,
    plain_log_labels,
    styled,
)

_CAPACITY = 0.138  # patterns a unit, for Hebb's rule and many units (Amit, Gutfreund & Sompolinsky 1985)
_LOG_FROM = 2.0  # a load so far beyond the capacity that a linear axis would hide everything before it


@styled
def overlap_and_load(subject: str, history: History, others: Mapping[str, History] | None = None) -> Figure:
    """Draw the overlap of recalled patterns with the stored ones against the load, and where Hebb's rule gives out.

    Args:
        subject: What stored the patterns, for the headline.
        history: Rows with `model/load`, patterns a unit, and `model/overlap`, 1 where recall is perfect.
        others: More of the same to compare with, by name.

    Returns:
        The figure; one that says so if no overlaps were recorded.
    """
    curves = {name: _curve(rows) for name, rows in {subject: history, **(others or {})}.items()}
    curves = {name: curve for name, curve in curves.items() if curve.finite.any()}
    if subject not in curves:
        return empty_figure(subject, "no overlaps recorded")

    figure = new_figure(6.8, 4.0)
    axes = figure.add_subplot()
    for index, curve in enumerate(curves.values()):
        draw_curve(axes, curve, color=class_colour(index))
    if max(curve.x.max() for curve in curves.values()) > _LOG_FROM:
        axes.set_xscale("log")
        plain_log_labels(axes.xaxis)
    axes.axvline(_CAPACITY, color=INK, linestyle=(0, (4, 2)), linewidth=1.2)
    axes.annotate(
        f" {_CAPACITY} = capacity of\n Hebb's rule, many units",
        (_CAPACITY, 0.03),
        xycoords=("data", "axes fraction"),
        color=FAINT,
        fontsize=9,
    )
    axes.set_ylim(min(0.0, *(curve.y[curve.finite].min() for curve in curves.values())), 1.05)
    axes.set_xlim(right=max(_CAPACITY * 1.1, *(curve.x.max() for curve in curves.values())))
    axes.set(xlabel="load: patterns stored for each unit", ylabel="overlap after recall (1 = perfect)")
    axes.grid(axis="y")
    ends = [
        (display_name(name), float(c.y[c.finite][-1]), class_colour(i)) for i, (name, c) in enumerate(curves.items())
    ]
    label_ends(axes, ends)
    headline(figure, f"{display_name(subject)}: {_finding(curves[subject])}{gap_remark(list(curves.values()))}")
    return figure


def _curve(history: History) -> Column:
    """The overlap over the load; before anything is stored there is none."""
    rows = [row for row in history if "model/overlap" in row]
    return column(rows, "model/overlap", "model/load")


def _finding(curve: Column) -> str:
    x, y = curve.x[curve.finite], curve.y[curve.finite]
    lost = np.flatnonzero(y < 0.9)
    if len(lost) == 0:
        least = "1" if y.min() >= 1 else f"{np.floor(1000 * y.min()) / 1000:.3f} or above"
        return f"the overlap stays at {least}, up to {x[-1]:.3g} patterns a unit"
    if len(y) == 1:
        return f"overlap {y[0]:.2f} at {x[0]:.3g} patterns a unit"
    return f"the overlap falls below 0.9 at {x[lost[0]]:.3g} patterns a unit, and to {y[-1]:.2f} at {x[-1]:.3g}"
