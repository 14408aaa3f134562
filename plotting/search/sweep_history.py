"""History of a sweep: the value of each trial, and the best so far."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from plotting.search._trials import Trials, best_of, completed
from plotting.style import BLUE, FAINT, VERMILLION, display_name, empty_figure, footnote, headline, new_figure, styled


@styled
def sweep_history(subject: str, trials: Trials, metric: str, mode: str) -> Figure:
    """Draw the value of each trial in the order of their start, and the best so far.

    Args:
        subject: What was trained, for the headline.
        trials: By number.
        metric: What the values are.
        mode: `max` or `min`: which way is better.
    """
    done = completed(trials)
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
    best = best_of(done, mode)
    headline(figure, f"{display_name(subject)}: best {metric} {best['value']:.4g}, in trial {best['number']}")
    return figure
