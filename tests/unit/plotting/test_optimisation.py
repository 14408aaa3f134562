"""What making a model smaller costs and brings."""

from typing import Any

import pytest

from plotting.search.optimisation import optimisation, pruning_curve

FORMS = [
    {"name": "checkpoint", "bytes": 4000, "compressed": 3600, "milliseconds": {1: 0.1, 64: 0.4}, "value": 0.95},
    {"name": "int8", "bytes": 1000, "compressed": 900, "milliseconds": {1: 0.05, 64: 0.1}, "value": 0.94},
]


def points(trained: bool) -> list[dict[str, Any]]:
    return [
        {"sparsity": 0.9, "at_once": 0.3, "trained_on": 0.9 if trained else None},
        {"sparsity": 0.5, "at_once": 0.8, "trained_on": 0.95 if trained else None},
    ]


def test_every_form_has_a_bar_for_its_size_each_time_and_its_quality() -> None:
    figure = optimisation("digits", FORMS, "test accuracy")
    size, one, many, quality = figure.axes
    widths = [[bar.get_width() for bar in axes.containers[0]] for axes in (size, one, many, quality)]
    assert widths == [[4.0, 1.0], [0.1, 0.05], [0.4, 0.1], [0.95, 0.94]]
    assert [bar.get_width() for bar in size.containers[1]] == [3.6, 0.9]
    assert [label.get_text() for label in size.get_yticklabels()] == ["checkpoint", "int8"]


def test_the_headline_tells_what_the_last_form_brought_and_cost() -> None:
    words = optimisation("digits", FORMS, "test accuracy").get_suptitle().replace("\n", " ")
    assert words == "digits, int8: 25% of the size, 25% compressed; test accuracy 0.95 before and 0.94 after"


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
