"""The metric of a sweep against each setting that it varied."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plotting.search._trials import Trials, best_of, completed
from plotting.style import (
    BLUE,
    VERMILLION,
    display_name,
    empty_figure,
    headline,
    new_figure,
    plain_log_labels,
    shorten,
    styled,
)

_PER_ROW = 3  # panels


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
    done = completed(trials)
    if not done:
        return empty_figure(subject, "no trial was completed")
    names = list(dict.fromkeys(name for trial in done for name in trial["parameters"]))
    best = best_of(done, mode)
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
        axes.set_xticks(range(len(names)), [shorten(choice, 12) for choice in names])
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


def _written(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
