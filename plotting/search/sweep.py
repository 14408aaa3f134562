"""What a sweep tried, and what came out."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from plotting.style import (
    BLUE,
    FAINT,
    VERMILLION,
    display_name,
    empty_figure,
    footnote,
    headline,
    new_figure,
    plain_log_labels,
    shorten,
    styled,
)

Trials = Sequence[Mapping[str, Any]]
"""Each has `number`, `state`, `value` (None unless it was completed) and `parameters`, name to value."""

_PER_ROW = 3  # panels


@styled
def sweep_history(subject: str, trials: Trials, metric: str, mode: str) -> Figure:
    """Draw the value of each trial in the order of their start, and the best so far.

    Args:
        subject: What was trained, for the headline.
        trials: By number.
        metric: What the values are.
        mode: `max` or `min`: which way is better.
    """
    done = _completed(trials)
    if not done:
        return empty_figure(subject, "no trial was completed")
    numbers = np.array([trial["number"] for trial in done])
    values = np.array([trial["value"] for trial in done], dtype=float)
    so_far = (np.maximum if mode == "max" else np.minimum).accumulate(values)
    figure = new_figure(6.4, 3.9)
    axes = figure.add_subplot()
    axes.plot(numbers, values, "o", color=BLUE, markersize=4, label="trial")
    axes.step(numbers, so_far, where="post", color=VERMILLION, label="best so far")
    others = [trial["number"] for trial in trials if trial["value"] is None]
    axes.plot(others, [0.03] * len(others), "x", color=FAINT, transform=axes.get_xaxis_transform())
    axes.set_xlabel("trial")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    axes.set_ylabel(metric)
    axes.grid(axis="y")
    axes.legend()
    if others:
        footnote(figure, f"crosses: {len(others)} pruned or failed, without a value")
    best = _best(done, mode)
    headline(figure, f"{display_name(subject)}: best {metric} {best['value']:.4g}, in trial {best['number']}")
    return figure


@styled
def sweep_parameters(
    subject: str, trials: Trials, metric: str, mode: str, logarithmic: Sequence[str] | None = None
) -> Figure:
    """Draw the metric against each parameter, one panel each; the best trial stands out.

    Args:
        subject: What was trained, for the headline.
        trials: By number.
        metric: What the values are.
        mode: `max` or `min`: which way is better.
        logarithmic: The parameters to draw on a logarithmic axis.
    """
    done = _completed(trials)
    if not done:
        return empty_figure(subject, "no trial was completed")
    names = list(dict.fromkeys(name for trial in done for name in trial["parameters"]))
    best = _best(done, mode)
    rows = -(-len(names) // _PER_ROW)
    columns = min(_PER_ROW, len(names))
    figure = new_figure(1.2 + 3.4 * max(columns, 2), 0.9 + 3.0 * rows)
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for axes in panels.flat[len(names) :]:
        axes.set_axis_off()
    for axes, name in zip(panels.flat, names, strict=False):
        _draw_panel(axes, name, [trial for trial in done if name in trial["parameters"]], best)
        if name in (logarithmic or ()):
            axes.set_xscale("log")
            plain_log_labels(axes.xaxis)
    for row in panels:
        row[0].set_ylabel(metric)
    settings = ", ".join(f"{name} {_written(value)}" for name, value in best["parameters"].items())
    headline(figure, f"{display_name(subject)}: best {metric} {best['value']:.4g} with {settings}")
    return figure


def _draw_panel(axes: Axes, name: str, trials: Trials, best: Mapping[str, Any]) -> None:
    values = [trial["parameters"][name] for trial in trials]
    heights = [trial["value"] for trial in trials]
    if any(isinstance(value, str) for value in values):
        names = list(dict.fromkeys(sorted(map(str, values), key=_by_number)))
        axes.set_xticks(range(len(names)), [shorten(each, 12) for each in names])
        axes.set_xlim(-0.5, len(names) - 0.5)
        values = [names.index(str(value)) for value in values]
    axes.plot(values, heights, "o", color=BLUE, markersize=4, alpha=0.7)
    for trial, value in zip(trials, values, strict=True):
        if trial is best:
            axes.plot([value], [trial["value"]], "D", color=VERMILLION, markersize=7)
    axes.set_xlabel(shorten(name, 28))
    axes.grid(axis="y")


def _by_number(text: str) -> tuple[float, str]:
    try:
        return float(text), text
    except ValueError:
        return float("inf"), text


def _completed(trials: Trials) -> Trials:
    return [trial for trial in trials if trial["value"] is not None]


def _best(done: Trials, mode: str) -> Mapping[str, Any]:
    return (max if mode == "max" else min)(done, key=lambda trial: trial["value"])


def _written(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
