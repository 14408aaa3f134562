"""The perceptron's mistakes beside Novikoff's bound."""

import math
from typing import Any

import pytest
from matplotlib.figure import Figure

from plotting.training.mistakes_and_bound import mistakes_and_bound


def headline(figure: Figure) -> str:
    return figure.get_suptitle().replace("\n", " ")


def rows(mistakes: list[float], bound: float | None = None) -> list[dict[str, Any]]:
    extra = {} if bound is None else {"model/mistake_bound": bound}
    return [{"step": 4 * i, "epoch": i, "model/mistakes": count} | extra for i, count in enumerate(mistakes)]


def test_mistakes_and_bound_are_drawn_and_named() -> None:
    figure = mistakes_and_bound("and", rows([0, 3, 5, 5], bound=43.0))
    axes = figure.axes[0]
    mistakes, bound = axes.lines
    assert mistakes.get_ydata().tolist() == [0, 3, 5, 5]
    assert set(bound.get_ydata()) == {43.0}
    assert [text.get_text() for text in axes.texts] == ["mistakes: 5", "bound (R/γ)²: 43"]
    assert headline(figure) == "AND: 5 mistakes, the bound allows 43"
    assert axes.get_yscale() == "linear"


def test_a_bound_far_above_makes_the_axis_logarithmic_with_a_place_for_zero() -> None:
    axes = mistakes_and_bound("blobs", rows([0, 3, 5], bound=20_000.0)).axes[0]
    assert axes.get_yscale() == "symlog"
    assert axes.get_ylabel() == "mistakes so far, log scale"
    assert axes.get_ylim()[0] == 0
    assert axes.get_ylim()[1] > 20_000


def test_a_large_bound_is_written_out() -> None:
    figure = mistakes_and_bound("blobs", rows([0, 3], bound=20_000.4))
    assert headline(figure) == "blobs: 3 mistakes, the bound allows 20,000"


def test_more_mistakes_than_the_bound_allows_are_not_hidden() -> None:
    figure = mistakes_and_bound("blobs", rows([0, 50], bound=43.0))
    assert headline(figure) == "blobs: 50 mistakes, more than the bound of 43 allows"


@pytest.mark.parametrize("bound", [None, math.inf, math.nan])
def test_without_a_finite_bound_only_the_mistakes_are_drawn(bound: float | None) -> None:
    figure = mistakes_and_bound("xor", rows([0, 3, 6], bound))
    assert len(figure.axes[0].lines) == 1
    assert headline(figure).startswith("XOR: 6 mistakes, no bound recorded")


def test_no_mistakes_at_all_can_be_drawn() -> None:
    figure = mistakes_and_bound("and", rows([0, 0], bound=4.0))
    assert headline(figure) == "AND: 0 mistakes, the bound allows 4"
    figure.draw_without_rendering()


def test_a_record_without_mistakes_gives_a_figure_that_says_so() -> None:
    assert headline(mistakes_and_bound("and", [])) == "AND: no mistakes recorded"
