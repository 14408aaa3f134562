"""Stability of gradient descent: on which side of the limit a learning rate lies, and what that does."""

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from plotting.style import (
    BLUE,
    INK,
    VERMILLION,
    display_name,
    headline,
    label_ends,
    new_figure,
    plain_log_labels,
    styled,
)


@styled
def stability(
    subject: str, relative_rates: Float[np.ndarray, " rates"], distances: Float[np.ndarray, "rates steps_and_start"]
) -> Figure:
    """Draw how far gradient descent on a squared error is from the optimum, for learning rates around the limit.

    Args:
        subject: What was learned, for the headline.
        relative_rates: Learning rates as fractions of the limit 2/λmax.
        distances: Distance of the weights from the optimum after each step, from step 0 on.

    Returns:
        Two panels: the distance over the steps, on a logarithmic axis; and the distance after the last step over the
        learning rate, with the limit.
    """
    figure = new_figure(9.4, 4.0)
    walks, ends = figure.subplots(1, 2, width_ratios=(1.5, 1))
    relative = distances / distances[:, :1]
    _draw_walks(walks, relative_rates, relative)
    _draw_ends(ends, relative_rates, relative[:, -1])
    steps = distances.shape[1] - 1
    below = relative[relative_rates < 1, -1]
    above = relative[relative_rates > 1, -1]
    findings = [
        f"{_verb(below < 1, 'comes nearer', 'does not always come nearer')} below the limit" if len(below) else "",
        f"{_verb(above > 1, 'runs away', 'does not always run away')} above it" if len(above) else "",
    ]
    summary = " and ".join(finding for finding in findings if finding)
    headline(
        figure, f"{display_name(subject)}: in {steps} steps the unit {summary or 'was not followed off the limit'}"
    )
    return figure


def _verb(holds: np.ndarray, usual: str, otherwise: str) -> str:
    return usual if holds.all() else otherwise


def _draw_walks(axes: Axes, rates: np.ndarray, relative: np.ndarray) -> None:
    steps = np.arange(relative.shape[1])
    floor = 1e-16  # of a double: below this a distance is rounding
    for rate, walk in zip(rates, relative, strict=True):
        axes.plot(steps, np.maximum(walk, floor), color=_colour(rate), linewidth=1.4)
    axes.set_yscale("log")
    plain_log_labels(axes.yaxis)
    axes.set_xlim(0, steps[-1])
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.set_xlabel("step (updates of the weights)")
    axes.set_ylabel("distance from the optimum, start = 1")
    axes.grid(axis="y")
    label_ends(
        axes, [(f"{rate:g}", max(walk[-1], floor), _colour(rate)) for rate, walk in zip(rates, relative, strict=True)]
    )


def _draw_ends(axes: Axes, rates: np.ndarray, last: np.ndarray) -> None:
    axes.axvline(1, color=INK, linestyle=(0, (4, 2)), linewidth=1.2)
    axes.axhline(1, color=INK, linewidth=0.8)
    axes.scatter(rates, np.maximum(last, 1e-16), color=[_colour(rate) for rate in rates], zorder=3)
    axes.set_yscale("log")
    plain_log_labels(axes.yaxis)
    axes.set_xlabel("learning rate, as a fraction of 2/λmax")
    axes.set_ylabel("distance after the last step")
    axes.annotate(
        "limit", (1, 0.02), xycoords=("data", "axes fraction"), xytext=(-4, 0), textcoords="offset points", ha="right"
    )
    axes.grid(axis="y")


def _colour(rate: float) -> str:
    return BLUE if rate < 1 else VERMILLION if rate > 1 else INK
