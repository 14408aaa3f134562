"""The plane, and where a hidden layer puts it."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from plotting.classification.folded_plane import Represent, folded_plane
from utils.errors import InputError

POINTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
XOR = np.array([0, 1, 1, 0])
READOUT = np.array([1.0, 1.0])


def corners(inputs: np.ndarray) -> np.ndarray:
    """Two units of relu that fold the plane along the diagonal: |x1 - x2| is their sum."""
    difference = inputs[:, 0] - inputs[:, 1]
    return np.stack([np.maximum(difference, 0), np.maximum(-difference, 0)], axis=1)


def drawn(represent: Represent = corners, weights: np.ndarray = READOUT, bias: float = -0.5) -> Figure:
    return folded_plane("xor", POINTS, XOR, ("0", "1"), ("x1", "x2"), represent, weights, bias)


def headline(figure: Figure) -> str:
    return figure.get_suptitle().replace("\n", " ")


def test_a_fold_that_separates_is_announced() -> None:
    assert headline(drawn()) == "XOR: in the hidden layer a line parts all 4 points"


def test_a_point_lies_across_at_its_height_above_the_outputs_boundary() -> None:
    hidden = drawn().axes[1]
    zeros, ones = (collection.get_offsets() for collection in hidden.collections[:2])
    height = (1 - 0.5) / np.sqrt(2)  # v·h + c over |v|
    np.testing.assert_allclose(np.asarray(zeros)[:, 0], -height)
    np.testing.assert_allclose(np.asarray(ones)[:, 0], height)
    assert np.ptp(np.asarray(ones)[:, 1]) == pytest.approx(np.sqrt(2))  # the two ones went to different corners


def test_the_boundary_is_the_upright_line_at_zero_over_the_image_of_the_mesh() -> None:
    plane, hidden = drawn().axes
    assert len(plane.lines) + 1 == len(hidden.lines)
    assert list(hidden.lines[-1].get_xdata()) == [0, 0]


def test_a_fold_that_does_not_separate_is_not_made_to_look_so() -> None:
    figure = drawn(represent=lambda inputs: inputs)
    assert headline(figure) == "XOR: in the hidden layer the output's line has 3 of 4 points on the right side"


def test_one_hidden_unit_can_be_drawn() -> None:
    figure = drawn(lambda inputs: corners(inputs).sum(axis=1, keepdims=True), np.array([2.0]), -1.0)
    assert "a line parts all 4 points" in headline(figure)
    figure.draw_without_rendering()


def test_an_output_that_looks_at_nothing_gives_a_figure_that_says_so() -> None:
    assert "the output does not look at the hidden layer" in headline(drawn(weights=np.zeros(2)))


def test_without_examples_there_is_a_figure_that_says_so() -> None:
    figure = folded_plane("xor", POINTS[:0], XOR[:0], ("0", "1"), ("x1", "x2"), corners, READOUT, 0.0)
    assert "no examples to draw" in headline(figure)


def test_data_that_do_not_lie_in_a_plane_are_refused() -> None:
    with pytest.raises(InputError, match="plot 'folded_plane' needs data with two features, but 'xor' has 3"):
        folded_plane("xor", np.zeros((4, 3)), XOR, ("0", "1"), ("a", "b", "c"), corners, READOUT, 0.0)
