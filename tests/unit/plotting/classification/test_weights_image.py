"""Weights as an image: places, signs and colours."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from plotting.classification.weights_image import weights_image
from utils.errors import InputError

WEIGHTS = np.array([0.0, 1.0, -3.0, 0.5, 0.25, 0.0], dtype=np.float32)


def headline(figure: Figure) -> str:
    return figure.get_suptitle().replace("\n", " ")


def test_weights_lie_row_by_row_and_zero_is_the_middle_of_the_scale() -> None:
    figure = weights_image("mnist-0v1", WEIGHTS, (2, 3), ("0", "1"))
    (image,) = figure.axes[0].images
    np.testing.assert_array_equal(image.get_array(), WEIGHTS.reshape(2, 3))
    assert (image.norm.vmin, image.norm.vmax) == (-3, 3)
    assert image.cmap(image.norm(0.0))[:3] == pytest.approx((1, 1, 1), abs=0.01)


def test_the_two_ends_of_the_scale_have_the_colours_of_the_classes_they_speak_for() -> None:
    figure = weights_image("mnist-0v1", WEIGHTS, (2, 3), ("zero", "one"))
    assert headline(figure) == "MNIST-0v1: orange pixels speak for 'one', blue ones for 'zero'"
    image, bar = figure.axes[0].images[0], figure.axes[1]
    negative, positive = image.cmap(0.0), image.cmap(1.0)
    assert negative[2] > negative[0]
    assert positive[0] > positive[2]
    assert bar.get_title(loc="left") == "'one'"
    assert [text.get_text() for text in bar.texts] == ["'zero'"]
    assert bar.get_ylabel() == "weight"


def test_axes_are_in_pixels() -> None:
    axes = weights_image("mnist", WEIGHTS, (2, 3), ("0", "1")).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("column (pixel)", "row (pixel)")


def test_weights_that_are_all_zero_are_said_to_be() -> None:
    figure = weights_image("mnist", np.zeros(6), (2, 3), ("0", "1"))
    assert headline(figure) == "MNIST: all weights are 0"
    figure.draw_without_rendering()


def test_weights_that_are_not_finite_are_grey_and_said() -> None:
    weights = WEIGHTS.copy()
    weights[:2] = np.nan, np.inf
    figure = weights_image("mnist", weights, (2, 3), ("0", "1"))
    assert figure.get_supxlabel() == "2 of 6 weights are not finite (grey)"
    assert figure.axes[0].images[0].norm.vmax == 3


def test_with_other_than_two_classes_only_the_sign_is_explained() -> None:
    figure = weights_image("mnist", WEIGHTS, (2, 3), ("a", "b", "c"))
    assert headline(figure) == "MNIST: orange weights are positive, blue ones negative"


def test_weights_that_are_not_one_a_pixel_are_refused() -> None:
    with pytest.raises(InputError, match="needs one weight a pixel, but 'mnist' has 6 weights for images of 28 x 28"):
        weights_image("mnist", WEIGHTS, (28, 28), ("0", "1"))
