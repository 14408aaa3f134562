"""Gallery of patterns as images: stored, corrupted, recalled."""

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from plotting.style import FAINT, VERMILLION, display_name, footnote, headline, new_figure, shorten, styled
from utils.errors import InputError

_COLUMNS = 10  # patterns shown


@styled
def recall_gallery(
    subject: str,
    patterns: Float[np.ndarray, "shown units"],
    corrupted: Float[np.ndarray, "shown units"],
    recalled: Float[np.ndarray, "shown units"],
    image_shape: tuple[int, int],
    class_names: tuple[str, ...],
) -> Figure:
    """Show each pattern above its recall: stored, corrupted, recalled. A recall that went wrong has a frame.

    Args:
        subject: What recalled, for the headline.
        patterns: What was stored, values from -1 to +1; pattern i is class i.
        corrupted: Where recall started.
        recalled: Where it ended.
        image_shape: Height and width in pixels.
        class_names: Names of the patterns.

    Raises:
        InputError: The patterns are not images of that shape.
    """
    height, width = image_shape
    if patterns.shape[1] != height * width:
        raise InputError(
            f"plot 'recall_gallery' needs one unit a pixel, but '{subject}' has {patterns.shape[1]} units "
            f"for images of {height} x {width} pixels; choose another plot"
        )
    shown = min(len(patterns), _COLUMNS)
    wrong = (np.sign(recalled) != patterns).any(axis=1)
    rows = {"stored": patterns, "corrupted": corrupted, "recalled": recalled}

    figure = new_figure(1.2 + 0.85 * max(shown, 6), 3.6)
    panels = figure.subplots(len(rows), shown, squeeze=False)
    for row, (title, images) in zip(panels, rows.items(), strict=True):
        for column, (axes, image) in enumerate(zip(row, images, strict=False)):
            axes.imshow(image.reshape(image_shape), cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
            axes.set(xticks=[], yticks=[])
            failed = title == "recalled" and wrong[column]
            axes.spines[:].set(visible=True, color=VERMILLION if failed else FAINT, linewidth=2.0 if failed else 0.5)
            if title == "stored":
                axes.set_title(shorten(class_names[column], 8), loc="center", fontsize=9)
        row[0].set_ylabel(title, fontsize=9)
    right = len(wrong) - int(wrong.sum())
    ends = len(np.unique(np.sign(recalled), axis=0))
    words = f"{right} of {len(wrong)} patterns recalled without a wrong pixel"
    if ends == 1 < len(wrong):
        words += "; every recall ends in the same state"
    headline(figure, f"{display_name(subject)}: {words}")
    footnote(
        figure,
        "framed: recalled with wrong pixels" if wrong.any() else "",
        f"the first {shown} are shown" if len(patterns) > shown else "",
    )
    return figure
