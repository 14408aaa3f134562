"""Response curve: how a model's answer changes along one column of a table, with the others held."""

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from plotting.style import INK, class_colour, display_name, footnote, headline, label_ends, new_figure, shorten, styled

_NAMED_AT_MOST = 10


@styled
def response(
    subject: str,
    x: Float[np.ndarray, " n"],
    answers: Float[np.ndarray, "n outputs"],
    names: tuple[str, ...],
    feature_name: str,
    what: str,
    at: float,
) -> Figure:
    """Draw each output over the values of one column, and mark where the column is.

    Args:
        subject: What was learned, for the headline.
        x: Values of the column.
        answers: The model's outputs at each value.
        names: A name for each output.
        feature_name: The column.
        what: What the outputs are, such as `probabilities`.
        at: The column's value in the row that was asked about.
    """
    figure = new_figure(6.4, 4.0)
    axes = figure.add_subplot()
    axes.axvline(at, color=INK, linewidth=1, linestyle=(0, (2, 2)))
    for output in range(len(names)):
        axes.plot(x, answers[:, output], color=class_colour(output))
    axes.set(xlim=(x[0], x[-1]) if x[0] < x[-1] else None, xlabel=shorten(feature_name, 40), ylabel=what)
    axes.grid(axis="y")
    if what == "probabilities":
        axes.set_ylim(-0.02, 1.02)
    largest = np.argsort(-np.abs(answers).max(axis=0))[:_NAMED_AT_MOST].tolist()
    label_ends(axes, [(shorten(names[i]), float(answers[-1, i]), class_colour(i)) for i in largest])
    change = float(np.ptp(answers, axis=0).max())
    headline(figure, f"{display_name(subject)}: along {shorten(feature_name, 24)} the answer changes by {change:.3g}")
    footnote(figure, "dotted: the row that was asked about; the other columns stay as they are")
    return figure
