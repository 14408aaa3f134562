"""LR finder: the loss while the learning rate rises from step to step."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from plotting.style import (
    BLUE,
    FAINT,
    INK,
    VERMILLION,
    display_name,
    footnote,
    headline,
    new_figure,
    plain_log_labels,
    styled,
)

_ABOVE = 1.5  # of the range of the smoothed loss is shown above its lowest value


@styled
def learning_rate_finder(
    subject: str, rates: Sequence[float], losses: Sequence[float], smoothed: Sequence[float]
) -> Figure:
    """Draw the loss of each step against its learning rate, and where the smoothed loss is lowest.

    Args:
        subject: What was trained, for the headline.
        rates: The learning rate of each step, rising.
        losses: The loss of each step.
        smoothed: The losses, smoothed.
    """
    lowest = int(np.argmin(smoothed))
    figure = new_figure(6.4, 3.9)
    axes = figure.add_subplot()
    axes.plot(rates, losses, color=FAINT, linewidth=0.9, alpha=0.6, label="loss of a step")
    axes.plot(rates, smoothed, color=BLUE, label="smoothed")
    axes.plot([rates[lowest]], [smoothed[lowest]], "o", color=INK)
    axes.axvline(rates[lowest] / 10, color=VERMILLION, linestyle=(0, (5, 2)), label="a tenth of the lowest point")
    axes.set_xscale("log")
    plain_log_labels(axes.xaxis)
    start, low = smoothed[0], smoothed[lowest]
    top = max(low + _ABOVE * (start - low), max(smoothed[: lowest + 1]))
    if top > low:
        axes.set_ylim(low - 0.1 * (top - low), top)
        if max(smoothed) > top:
            footnote(figure, "the loss goes on rising above the picture")
    axes.set_xlabel("learning rate")
    axes.set_ylabel("loss")
    axes.grid(axis="y")
    axes.legend()
    headline(figure, f"{display_name(subject)}: the loss is lowest at a learning rate of {rates[lowest]:.2g}")
    return figure
