"""Shift robustness: the accuracy on images that were moved by a few pixels."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Integer, Shaped
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from plotting.style import (
    BLUE,
    FAINT,
    VERMILLION,
    display_name,
    empty_figure,
    headline,
    label_ends,
    new_figure,
    percent,
    styled,
)

_FARTHEST = 6  # pixels
_ASKED_AT_MOST = 5_000  # images, so that the picture is there within seconds


@styled
def shift_curve(
    subject: str,
    inputs: Shaped[np.ndarray, "n *shape"],
    targets: Integer[np.ndarray, " n"],
    predict: Callable[[np.ndarray], np.ndarray],
    image_shape: tuple[int, int],
    class_names: tuple[str, ...],
    split: str = "",
) -> Figure:
    """Draw the accuracy against a shift to the right and one downwards, from 0 to 6 pixels; the edge is filled with 0.

    Args:
        subject: What was trained, for the headline.
        inputs: Images, [n, channels, height, width] or flattened.
        targets: Their class indices, [n].
        predict: From images to class indices.
        image_shape: Height and width, in pixels.
        class_names: A name for each class index, for the level of guessing.
        split: Which examples these are, such as `validation`.
    """
    if not len(inputs):
        return empty_figure(subject, "no examples to draw")
    chosen = np.unique(np.linspace(0, len(inputs) - 1, min(len(inputs), _ASKED_AT_MOST)).round().astype(int))
    images, wanted = inputs[chosen].reshape(len(chosen), -1, *image_shape), targets[chosen]
    pixels = range(min(_FARTHEST, *image_shape) + 1)

    def accuracy(across: int = 0, down: int = 0) -> float:
        moved = shifted(images, across, down)
        return float(np.mean(predict(moved.reshape(len(chosen), *inputs.shape[1:])) == wanted))

    to_the_right = [accuracy(across=by) for by in pixels]
    downwards = [accuracy(down=by) for by in pixels]

    figure = new_figure(6.4, 4.0)
    axes = figure.add_subplot()
    axes.plot(pixels, to_the_right, color=BLUE, marker="o", markersize=4)
    axes.plot(pixels, downwards, color=VERMILLION, linestyle=(0, (5, 2)), marker="o", markersize=4)
    chance = 1 / len(class_names)
    axes.axhline(chance, color=FAINT, linewidth=1, linestyle=(0, (2, 2)))
    axes.set(xlabel="shift (pixels)", ylabel=f"{split} accuracy".strip(), ylim=(0, 1.02))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.4g}%"))
    axes.grid(axis="y")
    ends = [("to the right", to_the_right[-1], BLUE), ("downwards", downwards[-1], VERMILLION)]
    label_ends(axes, [*ends, (f"guessing {percent(chance)}", chance, FAINT)])
    far = min(3, len(pixels) - 1)
    name, there = f"{split} accuracy".strip(), f"moved {far} pixel{'s' * (far != 1)} to the right"
    change = f"{name} goes from {percent(to_the_right[0])} to {percent(to_the_right[far])}"
    headline(figure, f"{display_name(subject)}: {there}, {change}")
    return figure


def shifted(
    images: Shaped[np.ndarray, "n channels height width"], across: int = 0, down: int = 0
) -> Shaped[np.ndarray, "n channels height width"]:
    """The images moved to the right and downwards, with zeros where nothing comes in."""
    moved = np.zeros_like(images)
    height, width = images.shape[2:]
    moved[..., down:, across:] = images[..., : height - down, : width - across]
    return moved
