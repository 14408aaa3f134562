"""What making a model smaller costs and brings."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from plotting.style import (
    BLUE,
    FAINT,
    SKY,
    VERMILLION,
    display_name,
    empty_figure,
    footnote,
    headline,
    label_ends,
    new_figure,
    percent,
    shorten,
    styled,
)

Forms = Sequence[Mapping[str, Any]]
"""Each has `name`, `bytes`, `compressed`, `milliseconds` (batch size to time) and `value`; first the original."""

_KILOBYTE = 1000


@styled
def optimisation(subject: str, forms: Forms, metric: str) -> Figure:
    """Draw size, time of an answer and quality of each form of a model, a bar each.

    Args:
        subject: What was trained, for the headline.
        forms: The model as it was, then the others.
        metric: What `value` is.
    """
    batches = list(forms[0]["milliseconds"])
    figure = new_figure(2.6 + 2.5 * (2 + len(batches)), 1.9 + 0.45 * len(forms))
    size, *times, quality = figure.subplots(1, 2 + len(batches), sharey=True)
    _bars(size, "size (kB), compressed in light", [form["bytes"] / _KILOBYTE for form in forms])
    size.barh(range(len(forms)), [form["compressed"] / _KILOBYTE for form in forms], height=0.3, color=SKY)
    for axes, batch in zip(times, batches, strict=True):
        _bars(axes, f"batch of {batch} (ms)", [form["milliseconds"][batch] for form in forms])
    _bars(quality, metric, [form["value"] for form in forms])
    size.set_yticks(range(len(forms)), [shorten(form["name"], 30) for form in forms])
    size.invert_yaxis()
    before, after = forms[0], forms[-1]
    size_left, compressed_left = (percent(after[key] / before[key]) for key in ("bytes", "compressed"))
    change = f"{metric} {before['value']:.4g} before and {after['value']:.4g} after"
    sizes = f"{size_left} of the size, {compressed_left} compressed"
    headline(figure, f"{display_name(subject)}, {after['name']}: {sizes}; {change}")
    return figure


@styled
def pruning_curve(
    subject: str, points: Sequence[Mapping[str, Any]], metric: str, baseline: float, asked: float
) -> Figure:
    """Draw a metric against the fraction of the weights that was pruned.

    Args:
        subject: What was trained, for the headline.
        points: Each has `sparsity`, `at_once` (the metric right after pruning) and `trained_on` (after training on with
            what is left; None where that was not done).
        metric: What the values are.
        baseline: The metric of the model as it was.
        asked: The sparsity that the model was pruned to.
    """
    if not points:
        return empty_figure(subject, "nothing was pruned")
    points = sorted(points, key=lambda point: point["sparsity"])
    across = [point["sparsity"] for point in points]
    figure = new_figure(6.4, 4.0)
    axes = figure.add_subplot()
    ends = []
    for key, name, colour in (("at_once", "pruned", VERMILLION), ("trained_on", "and trained on", BLUE)):
        if all(point[key] is not None for point in points):
            heights = [point[key] for point in points]
            axes.plot(across, heights, color=colour, marker="o", markersize=4)
            ends.append((name, heights[-1], colour))
            reached = next(point[key] for point in points if point["sparsity"] == asked)
    axes.axhline(baseline, color=FAINT, linewidth=1, linestyle=(0, (2, 2)))
    axes.axvline(asked, color=FAINT, linewidth=1, linestyle=(0, (2, 2)))
    axes.set(xlabel="weights that are zero", ylabel=metric)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.4g}%"))
    axes.grid(axis="y")
    label_ends(axes, ends)
    footnote(figure, f"dashed: the model as it was, and the {percent(asked)} that were asked for")
    change = f"{metric} goes from {baseline:.4g} to {reached:.4g}"
    headline(figure, f"{display_name(subject)}: with {percent(asked)} of the weights pruned, {change}")
    return figure


def _bars(axes: Axes, title: str, lengths: Sequence[float]) -> None:
    colours = [FAINT] + [BLUE] * (len(lengths) - 1)
    bars = axes.barh(range(len(lengths)), lengths, height=0.6, color=colours)
    axes.bar_label(bars, [f"{length:.3g}" for length in lengths], padding=3, fontsize=8)
    axes.margins(x=0.25)
    axes.set_title(title)
    axes.tick_params(axis="y", length=0)
    axes.set_xticks([])
    axes.spines[["bottom"]].set_visible(False)
