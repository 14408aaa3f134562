"""Reading the rows of `metrics.jsonl` as columns that can be drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

History = Sequence[Mapping[str, Any]]
"""Rows with `step`, `epoch` and whichever metrics were recorded at that moment."""


@dataclass(frozen=True)
class Column:
    """One metric over the run; a value that is not finite is NaN here, and so a gap in the curve."""

    name: str
    x: Float[np.ndarray, " rows"]
    y: Float[np.ndarray, " rows"]

    @property
    def finite(self) -> Bool[np.ndarray, " rows"]:
        """Which rows can be drawn."""
        return np.isfinite(self.y)

    @property
    def gaps(self) -> int:
        """How many values were not finite."""
        return int((~self.finite).sum())


def time_unit(history: History) -> str:
    """What to count the run in: `epoch`, or `step` where one epoch holds several moments with the same number."""
    moments = {(row["step"], row.get("epoch")) for row in history}
    epochs = {epoch for _, epoch in moments}
    return "epoch" if None not in epochs and len(epochs) == len(moments) else "step"


def column(history: History, name: str, unit: str) -> Column:
    """The metric `name` over `unit`, from the rows that have it; there may be none."""
    rows = [row for row in history if name in row]
    values = np.array([np.nan if row[name] is None else row[name] for row in rows], dtype=float)
    return Column(
        name=name,
        x=np.array([row[unit] for row in rows], dtype=float),
        y=np.where(np.isfinite(values), values, np.nan),
    )


def draw_curve(axes: Axes, curve: Column, **style: Any) -> None:
    """Draw `curve`, with a dot at each value where a bare line would hide some."""
    few = len(curve.x) <= 25 or curve.gaps > 0
    look = {"linewidth": 1.8 if few else 1.2, "marker": "o" if few else None, "markersize": 3.5, "clip_on": False}
    axes.plot(curve.x, curve.y, **(look | style))


def time_axis(axes: Axes, curves: Sequence[Column], unit: str) -> None:
    """Label the horizontal axis and end it where the curves end, so that they can be named there."""
    first, last = min(c.x[0] for c in curves), max(c.x[-1] for c in curves)
    axes.set_xlim((first, last) if first < last else (first - 1, first + 1))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.set_xlabel({"epoch": "epoch", "step": "step (updates of the weights)"}[unit])
    axes.grid(axis="y")


def gap_remark(curves: Sequence[Column]) -> str:
    """`", 3 values are not finite"` for a headline, or nothing."""
    gaps = sum(curve.gaps for curve in curves)
    return f", {gaps:,} {'value is' if gaps == 1 else 'values are'} not finite (gaps)" if gaps else ""
