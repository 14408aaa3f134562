"""A drawing laid into its frame as the examples of a data set are: a model knows no other place and size."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class Frame:
    """How the makers of a data set laid a figure into the frame.

    Attributes:
        width: The most of the frame's width that the figure takes.
        height: The same of its height.
        fills_height: Whether it takes all of that height, squeezed where it would be too wide; else its sides keep
            their ratio, and the longer one decides.
        by_mass: Whether its centre of mass is in the middle of the frame, as far as the frame has room; else that of
            the box around it.
    """

    width: float = 1.0
    height: float = 1.0
    fills_height: bool = False
    by_mass: bool = False


FRAMES = {
    # "size normalized to fit in a 20x20 pixel box while preserving their aspect ratio ... centered in a 28x28 image by
    # computing the center of mass of the pixels" (LeCun et al. 1998)
    "mnist": Frame(20 / 28, 20 / 28, by_mass=True),
    # Measured: all 1797 take all 8 rows, 98 % take at most 6 columns, and the mass is at column 4.07 +- 0.30 of 8.
    "digits": Frame(6 / 8, 1.0, fills_height=True, by_mass=True),
}
"""Data set to its frame; in any other a figure takes as much as it can, in the middle."""


def framed(ink: "Image", data: str) -> "Image":
    """The drawing `ink`, bright on dark and in a frame of the same size, where a figure of the data set would be.

    Args:
        ink: Grey; some of it is not black.
        data: The name of the data set.
    """
    from PIL import Image

    frame = FRAMES.get(data, Frame())
    figure = ink.crop(ink.getbbox())
    width, height = frame.width * ink.width, frame.height * ink.height
    scale = height / figure.height if frame.fills_height else min(width / figure.width, height / figure.height)
    size = min(width, figure.width * scale), min(height, figure.height * scale)
    figure = figure.resize((max(1, round(size[0])), max(1, round(size[1]))), Image.Resampling.LANCZOS)
    x, y = _middle(figure) if frame.by_mass else (figure.width / 2, figure.height / 2)
    laid = Image.new("L", ink.size)
    laid.paste(figure, (_start(x, figure.width, ink.width), _start(y, figure.height, ink.height)))
    return laid


def _middle(figure: "Image") -> tuple[float, float]:
    """The centre of mass, from the left and from the top."""
    light = np.asarray(figure, dtype=np.float64)
    columns, rows = light.sum(0), light.sum(1)
    return (
        float(columns @ (np.arange(figure.width) + 0.5) / columns.sum()),
        float(rows @ (np.arange(figure.height) + 0.5) / rows.sum()),
    )


def _start(middle: float, length: int, room: int) -> int:
    """Where something of that length starts, so that its middle is that of the room, and all of it is inside."""
    return min(max(round(room / 2 - middle), 0), room - length)
