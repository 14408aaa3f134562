"""What a metric loses by pruning."""

from typing import Any

import pytest

from plotting.search.pruning_curve import pruning_curve


def points(trained: bool) -> list[dict[str, Any]]:
    return [
        {"sparsity": 0.9, "at_once": 0.3, "trained_on": 0.9 if trained else None},
        {"sparsity": 0.5, "at_once": 0.8, "trained_on": 0.95 if trained else None},
    ]


@pytest.mark.parametrize(("trained", "reached", "curves"), [(True, 0.95, 2), (False, 0.8, 1)])
def test_the_curve_is_drawn_with_and_without_training_on(trained: bool, reached: float, curves: int) -> None:
    figure = pruning_curve("digits", points(trained), "test accuracy", baseline=0.96, asked=0.5)
    (axes,) = figure.axes
    drawn = [line for line in axes.lines if line.get_marker() == "o"]
    assert len(drawn) == curves
    assert list(drawn[0].get_xdata()) == [0.5, 0.9]
    assert list(drawn[0].get_ydata()) == [0.8, 0.3]
    words = figure.get_suptitle().replace("\n", " ")
    assert words == f"digits: with 50% of the weights pruned, test accuracy goes from 0.96 to {reached}"


def test_without_points_there_is_a_figure_that_says_so() -> None:
    assert "nothing was pruned" in pruning_curve("digits", [], "test accuracy", 0.96, 0.5).get_suptitle()
