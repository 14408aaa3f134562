"""The weights of a linear model on images, seen as an image."""

import numpy as np
from jaxtyping import Shaped
from matplotlib.colors import CenteredNorm, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from plotting.style import BLUE, FAINT, VERMILLION, display_name, footnote, headline, new_figure, shorten, styled
from utils.errors import InputError

# The colours of classes 0 and 1, and as dark as one another, so that neither sign looks stronger.
_SIGNS = LinearSegmentedColormap.from_list("signs", [BLUE, "#FFFFFF", VERMILLION]).with_extremes(bad=FAINT)


@styled
def weights_image(
    subject: str,
    weights: Shaped[np.ndarray, " features"],
    image_shape: tuple[int, int],
    class_names: tuple[str, ...],
) -> Figure:
    """Show one weight a pixel: which pixels speak for one class and which for the other.

    Args:
        subject: What was trained, for the headline.
        weights: w of a linear model, [height * width].
        image_shape: Height and width of the images, in pixels.
        class_names: Names of the two classes; positive weights speak for the second.

    Raises:
        InputError: The weights are not one a pixel.
    """
    height, width = image_shape
    if weights.size != height * width:
        raise InputError(
            f"plot 'weights_image' needs one weight a pixel, but '{subject}' has {weights.size} weights "
            f"for images of {height} x {width} pixels; choose another plot"
        )
    finite = np.isfinite(weights)
    largest = float(np.abs(weights[finite]).max(initial=0))

    figure = new_figure(6.2, 5.5)
    axes = figure.add_subplot()
    picture = axes.imshow(
        np.where(finite, weights, np.nan).reshape(image_shape),
        cmap=_SIGNS,
        norm=CenteredNorm(vcenter=0, halfrange=largest or 1.0),
        interpolation="nearest",
    )
    axes.spines[["top", "right"]].set_visible(True)
    axes.set(xlabel="column (pixel)", ylabel="row (pixel)")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    bar = figure.colorbar(picture, ax=axes, shrink=0.85, label="weight")
    bar.outline.set_visible(False)

    negative, positive = (shorten(name) for name in class_names) if len(class_names) == 2 else ("", "")
    if negative:
        bar.ax.set_title(f"'{positive}'", fontsize=9, color=VERMILLION, loc="left")
        bar.ax.text(0, -0.02, f"'{negative}'", fontsize=9, color=BLUE, va="top", transform=bar.ax.transAxes)
    if not largest:
        words = "all weights are 0"
    elif negative:
        words = f"orange pixels speak for '{positive}', blue ones for '{negative}'"
    else:
        words = "orange weights are positive, blue ones negative"
    bad = int((~finite).sum())
    headline(figure, f"{display_name(subject)}: {words}")
    footnote(figure, f"{bad:,} of {weights.size:,} weights are not finite (grey)" if bad else "")
    return figure
