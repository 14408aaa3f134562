"""Pruning curve: a metric against the fraction of the weights that was pruned."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from plotting.style import (
    BLUE,
    FAINT,
    VERMILLION,
    display_name,
    empty_figure,
    footnote,
    headline,
    label_ends,
    new_figure,
    percent,
    styled,
)


@styled
def pruning_curve(
    subject: str, points: Sequence[Mapping[str, Any]], metric: str, baseline: float, asked: float
) -> Figure:
    """Draw a metric against the fraction of the weights that was pruned.

    Args:
        subject: What was trained, for the headline.
        points: Mappings with `sparsity`, `at_once` (the metric right after pruning) and `trained_on` (after more
            training of what is left; None without it).
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
