"""The way down the bowl of the squared error."""

from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from plotting.training.error_bowl import error_bowl
from utils.errors import InputError

ROUND, OPTIMUM = np.eye(2), np.array([2.0, -1.0])


def headline(figure: Figure) -> str:
    return figure.get_suptitle().replace("\n", " ")


def rows(*weights: tuple[float, float]) -> list[dict[str, Any]]:
    return [{"step": i, "epoch": i, "model/weight_0": w, "model/bias": b} for i, (w, b) in enumerate(weights)]


def test_the_headline_has_the_error_at_both_ends_and_the_least_one() -> None:
    figure = error_bowl("line", rows((0, 0), (1, 0), (2, -1)), ROUND, OPTIMUM, 0.5)
    assert headline(figure) == "line: squared error from 5.5 to 0.5, the least possible is 0.5"


def test_the_path_and_the_optimum_are_drawn_inside_the_picture() -> None:
    axes = error_bowl("line", rows((0, 0), (1, 0), (2, -1)), ROUND, OPTIMUM, 0.5).axes[0]
    path, start, optimum = axes.lines
    assert path.get_xdata().tolist() == [0, 1, 2]
    assert (start.get_xdata()[0], start.get_ydata()[0]) == (0, 0)
    assert (optimum.get_xdata()[0], optimum.get_ydata()[0]) == (2, -1)
    low, high = axes.get_xlim()
    assert low < 0 < 2 < high


@pytest.mark.parametrize("history", [rows((2, -1)), rows((2, -1), (2, -1)), rows((0, -1), (2, -1))])
def test_a_path_of_no_length_or_along_an_axis_still_has_a_bowl(history: list[dict[str, Any]]) -> None:
    axes = error_bowl("line", history, ROUND, OPTIMUM, 0.5).axes[0]
    assert all(high > low for low, high in (axes.get_xlim(), axes.get_ylim()))


def test_without_weights_the_figure_says_so() -> None:
    assert headline(error_bowl("line", [], ROUND, OPTIMUM, 0.5)) == "line: no weights recorded"


def test_more_than_one_weight_is_refused_in_one_line() -> None:
    with pytest.raises(InputError, match="one weight and a bias; line has 2 weights"):
        error_bowl("line", [], np.eye(3), np.zeros(3), 0.5)
