"""Computation graph: every intermediate result, and what was made from what."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from plotting.style import BLUE, FAINT, GREEN, INK, VERMILLION, display_name, footnote, headline, new_figure, styled

_DRAWN_AT_MOST = 40  # more cannot be read


@styled
def computation_graph(subject: str, nodes: Sequence[str], edges: Sequence[tuple[int, int]]) -> Figure:
    """Draw the graph of a computation from left to right, each result in the column after its last source.

    Args:
        subject: What was trained, for the headline.
        nodes: A name for each result, in an order in which sources come first; the last one is the outcome.
        edges: Which was made from which: pairs of places in `nodes` (from, to).

    Returns:
        The figure; of a long computation its end.
    """
    first = max(0, len(nodes) - _DRAWN_AT_MOST)
    shown = range(first, len(nodes))
    arrows = [(a, b) for a, b in edges if a >= first]
    places = _places(shown, arrows)
    columns = 1 + max(x for x, _ in places.values())
    rows = 1 + max(y for _, y in places.values())
    figure = new_figure(max(5.0, 1.25 * columns), 1.6 + 0.8 * rows)
    axes = figure.add_subplot()
    axes.set_axis_off()
    made = {b for _, b in edges}
    boxes = {}
    for node in shown:
        colour = VERMILLION if node == len(nodes) - 1 else BLUE if node in made else GREEN
        boxes[node] = _draw(axes, places[node], nodes[node], colour)
    for a, b in arrows:  # after the boxes, whose sizes are known once they are drawn
        arrow = {"arrowstyle": "-|>", "color": FAINT, "linewidth": 1.0, "patchA": boxes[a], "patchB": boxes[b]}
        axes.annotate("", places[b], places[a], arrowprops=arrow)
    axes.set_xlim(-0.6, columns - 0.4)
    axes.set_ylim(rows - 0.4, -0.6)
    headline(
        figure, f"{display_name(subject)}: {len(made)} operations from {len(nodes) - len(made)} leaves to the loss"
    )
    cut = f"the first {first} of {len(nodes)} results are left out" if first else ""
    footnote(figure, "green: given, blue: computed, orange: the loss; gradients go the arrows backwards", cut)
    return figure


def _places(shown: range, arrows: Sequence[tuple[int, int]]) -> dict[int, tuple[float, float]]:
    """A column and a row for each result: sources to the left of what is made from them, leaves beside their use."""
    column = dict.fromkeys(shown, 0)
    for node in shown:
        column[node] = max((column[a] + 1 for a, b in arrows if b == node), default=0)
    for node in shown:
        if not any(b == node for _, b in arrows):  # a leaf: just before its first use
            column[node] = min((column[b] for a, b in arrows if a == node), default=1) - 1
    row: dict[int, int] = {}
    taken: dict[int, int] = {}
    for node in reversed(shown):  # the main line of the computation is on top, since the outcome is placed first
        row[node] = taken.get(column[node], 0)
        taken[column[node]] = row[node] + 1
    left = min(column.values())
    return {node: (column[node] - left, row[node]) for node in shown}


def _draw(axes: Axes, place: tuple[float, float], name: str, colour: str) -> Patch | None:
    """Write a name into a box; returns the box."""
    box = {"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": colour, "linewidth": 1.5}
    return axes.text(*place, name, ha="center", va="center", fontsize=8, color=INK, bbox=box).get_bbox_patch()
