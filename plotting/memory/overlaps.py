"""Overlaps of a state with each stored pattern, before a recall and after it."""

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from plotting.style import BLUE, FAINT, INK, display_name, empty_figure, footnote, headline, new_figure, shorten, styled

_DRAWN_AT_MOST = 12


@styled
def overlaps(
    subject: str,
    before: Float[np.ndarray, " patterns"],
    after: Float[np.ndarray, " patterns"],
    names: tuple[str, ...],
) -> Figure:
    """Draw a bar for each pattern's overlap with the recalled state, and a mark where it was at the start.

    Args:
        subject: What was stored, for the headline.
        before: Overlap of the state at the start with each pattern, from -1 to +1.
        after: Of the state at the end.
        names: Names of the patterns.

    Returns:
        The figure; of many patterns only those that are most alike.
    """
    if not len(after):
        return empty_figure(subject, "nothing is stored")
    chosen = np.sort(np.argsort(-np.abs(after))[:_DRAWN_AT_MOST])
    rows = np.arange(len(chosen))
    figure = new_figure(6.8, 1.7 + 0.22 * len(chosen))
    axes = figure.add_subplot()
    axes.barh(rows, after[chosen], color=BLUE, height=0.6, label="recalled")
    axes.scatter(before[chosen], rows, marker="|", s=120, color=INK, linewidths=2, label="at the start", zorder=3)
    axes.axvline(0, color=FAINT, linewidth=0.8)
    axes.set(xlim=(-1.03, 1.03), xlabel="overlap: 1 is equal, 0 unrelated, -1 opposite", ylim=(len(chosen) - 0.4, -0.6))
    axes.set_yticks(rows, [shorten(names[i]) for i in chosen])
    axes.grid(axis="x")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.3)
    best = int(after.argmax())
    headline(
        figure,
        f"{display_name(subject)}: nearest to '{shorten(names[best])}', "
        f"overlap {before[best]:.2f} at the start and {after[best]:.2f} at the end",
    )
    left = len(after) - len(chosen)
    footnote(figure, f"{left} patterns that are less alike are left out" if left else "")
    return figure
