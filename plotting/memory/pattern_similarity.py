"""Similarity matrix of the patterns that a network has to keep apart."""

import numpy as np
from jaxtyping import Float
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from plotting.style import BLUE, INK, VERMILLION, display_name, empty_figure, headline, new_figure, shorten, styled

_SIGNS = LinearSegmentedColormap.from_list("signs", [BLUE, "#FFFFFF", VERMILLION])
_WRITTEN = 12  # more patterns leave no room for numbers


@styled
def pattern_similarity(
    subject: str, patterns: Float[np.ndarray, "patterns units"], class_names: tuple[str, ...]
) -> Figure:
    """Show the overlap of every two patterns: 1 where equal, 0 where unrelated, -1 where opposite.

    Args:
        subject: Whose patterns, for the headline.
        patterns: Of +1 and -1; pattern i is class i.
        class_names: Names of the patterns.

    Returns:
        The figure; one that says so if there are fewer than two patterns.
    """
    count, units = patterns.shape
    if count < 2:
        return empty_figure(subject, "fewer than two patterns to compare")
    overlaps = patterns @ patterns.T / units
    between = np.abs(overlaps[~np.eye(count, dtype=bool)]).mean()

    figure = new_figure(6.2, 5.5)
    axes = figure.add_subplot()
    picture = axes.imshow(overlaps, cmap=_SIGNS, vmin=-1, vmax=1)
    if count <= _WRITTEN:
        names = [shorten(name, 8) for name in class_names[:count]]
        axes.set_xticks(range(count), names)
        axes.set_yticks(range(count), names)
        for (row, column), value in np.ndenumerate(overlaps):
            colour = "white" if abs(value) > 0.8 else INK
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=7.5, color=colour)
    axes.set(xlabel="pattern", ylabel="pattern")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.colorbar(picture, ax=axes, shrink=0.85, label="overlap").outline.set_visible(False)
    chance = np.sqrt(2 / (np.pi * units))  # the mean size of the overlap of independent fair signs
    headline(
        figure,
        f"{display_name(subject)}: two patterns overlap by {between:.2f} on average, "
        f"where independent ones would by {chance:.2f}",
    )
    return figure
