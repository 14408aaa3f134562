"""Accuracy on images that were moved."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from plotting.classification.shift_curve import shift_curve, shifted

NAMES = ("left", "right")


def bright_halves(images: np.ndarray) -> np.ndarray:
    """1 where the right half holds most of the light."""
    pixels = images.reshape(len(images), 8, 8)
    return (pixels[..., 4:].sum(axis=(1, 2)) > pixels[..., :4].sum(axis=(1, 2))).astype(int)


def strokes() -> tuple[np.ndarray, np.ndarray]:
    """Images of 8 by 8 with an upright stroke: in column 2 for class 0, in column 5 for class 1."""
    images = np.zeros((10, 1, 8, 8), dtype=np.float32)
    targets = np.arange(10) % 2
    images[np.arange(10), 0, :, 2 + 3 * targets] = 1
    return images, targets


def drawn(flat: bool = False) -> Figure:
    images, targets = strokes()
    inputs = images.reshape(10, 64) if flat else images
    return shift_curve("strokes", inputs, targets, bright_halves, (8, 8), NAMES, "validation")


def test_the_curve_falls_where_the_strokes_cross_the_middle() -> None:
    axes = drawn().axes[0]
    right, down = axes.lines[:2]
    assert list(right.get_ydata()) == [1.0, 1.0, 0.5, 0.0, 0.0, 0.0, 0.5]
    assert list(down.get_ydata()) == [1.0] * 7
    assert set(axes.lines[2].get_ydata()) == {0.5}  # guessing


def test_the_headline_tells_what_three_pixels_do() -> None:
    words = drawn().get_suptitle().replace("\n", " ")
    assert words == "strokes: moved 3 pixels to the right, validation accuracy goes from 100% to 0%"


def test_flattened_images_give_the_same_curve() -> None:
    for ours, theirs in zip(drawn().axes[0].lines, drawn(flat=True).axes[0].lines, strict=True):
        assert list(ours.get_ydata()) == list(theirs.get_ydata())


def test_without_examples_there_is_a_figure_that_says_so() -> None:
    images, targets = strokes()
    figure = shift_curve("strokes", images[:0], targets[:0], bright_halves, (8, 8), NAMES)
    assert "no examples to draw" in figure.get_suptitle()


@pytest.mark.parametrize(("across", "down"), [(0, 0), (1, 0), (0, 2), (3, 2)])
def test_what_leaves_the_image_is_lost_and_zeros_come_in(across: int, down: int) -> None:
    images = np.arange(1, 17, dtype=np.float32).reshape(1, 1, 4, 4)
    moved = shifted(images, across, down)
    assert not moved[..., :down, :].any()
    assert not moved[..., :across].any()
    np.testing.assert_array_equal(moved[..., down:, across:], images[..., : 4 - down, : 4 - across])
