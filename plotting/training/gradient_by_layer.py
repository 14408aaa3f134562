"""Gradient norm by layer, from the input to the output: whether the gradient vanishes on its way down."""

import math
import re

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from plotting.history import History
from plotting.style import (
    BLUE,
    FAINT,
    VERMILLION,
    display_name,
    empty_figure,
    headline,
    label_ends,
    new_figure,
    plain_log_labels,
    styled,
)

_NAME = re.compile(r"model/gradient_norm_(\d+)")


@styled
def gradient_by_layer(subject: str, history: History) -> Figure:
    """Draw the norm of each layer's weight gradient against the layer, for the first and the last record of a run.

    Args:
        subject: What was trained, for the headline.
        history: Rows with `model/gradient_norm_1`, `model/gradient_norm_2` and so on, from the input upwards.

    Returns:
        The figure; one that says so if no norms above zero were recorded.
    """
    names = sorted({name for row in history for name in row if _NAME.fullmatch(name)}, key=_layer)
    rows = [row for row in history if names and all(row.get(name) for name in names)]  # neither absent nor zero
    if not rows:
        return empty_figure(subject, "no gradients recorded")
    layers = [_layer(name) for name in names]
    moments = [(rows[0], FAINT), (rows[-1], BLUE)] if len(rows) > 1 else [(rows[0], BLUE)]

    figure = new_figure(6.4, 4.0)
    axes = figure.add_subplot()
    ends = []
    for row, colour in moments:
        norms = np.array([row[name] for name in names], dtype=float)
        axes.plot(layers, norms, color=colour, marker="o", markersize=4.5)
        axes.plot(layers[:1], norms[:1], color=VERMILLION, marker="o", markersize=7)
        ends.append((f"step {row['step']:,}", float(norms[-1]), colour))
    axes.set_yscale("log")
    values = [row[name] for row, _ in moments for name in names]
    axes.set_ylim(10 ** math.floor(math.log10(min(values))), 10 ** math.ceil(math.log10(max(values) * 1.01)))
    plain_log_labels(axes.yaxis)
    axes.set(xlabel="layer, from the input to the output", ylabel="norm of the weight gradient, log scale")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=10, integer=True))
    axes.set_xlim(layers[0] - 0.2, layers[-1] + 0.2)
    axes.grid(axis="y")
    label_ends(axes, ends)
    row = moments[0][0]
    words = _comparison(row[names[0]] / row[names[-1]])
    headline(figure, f"{display_name(subject)}: at step {row['step']:,} the first layer's gradient is {words}")
    return figure


def _layer(name: str) -> int:
    match = _NAME.fullmatch(name)
    assert match is not None
    return int(match[1])


def _comparison(ratio: float) -> str:
    if 0.5 < ratio < 2:
        return "about as large as the last one's"
    if ratio > 1:
        return f"{ratio:,.3g} times the last one's"
    return f"{1 / ratio:,.0f} times smaller than the last one's" if ratio < 0.1 else f"{ratio:.2g} of the last one's"
