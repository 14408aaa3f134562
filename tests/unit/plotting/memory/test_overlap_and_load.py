"""Overlap against load: the curve, the mark of the capacity, the words."""

from typing import Any

from matplotlib.figure import Figure

from plotting.memory.overlap_and_load import overlap_and_load


def headline(figure: Figure) -> str:
    return figure.get_suptitle().replace("\n", " ")


def rows(loads: list[float], overlaps: list[float | None]) -> list[dict[str, Any]]:
    first: list[dict[str, Any]] = [{"step": 0, "epoch": 0.0, "model/load": 0.0}]  # nothing is stored yet
    pairs = zip(loads, overlaps, strict=True)
    return first + [
        {"step": i + 1, "epoch": 0.1, "model/load": x, "model/overlap": y} for i, (x, y) in enumerate(pairs)
    ]


def test_the_curve_goes_over_the_load_and_the_capacity_is_marked() -> None:
    figure = overlap_and_load("overload", rows([0.1, 0.2, 0.3], [1.0, 0.7, 0.4]))
    curve, mark = figure.axes[0].lines
    assert curve.get_xdata().tolist() == [0.1, 0.2, 0.3]
    assert curve.get_ydata().tolist() == [1.0, 0.7, 0.4]
    assert set(mark.get_xdata()) == {0.138}
    assert headline(figure) == "overload: the overlap falls below 0.9 at 0.2 patterns a unit, and to 0.40 at 0.3"


def test_what_is_never_forgotten_is_said() -> None:
    figure = overlap_and_load("recall", rows([0.05, 0.1], [1.0, 0.9979]))
    assert headline(figure) == "recall: the overlap stays at 0.997 or above, up to 0.1 patterns a unit"
    assert figure.axes[0].get_xlim()[1] > 0.138
    assert figure.axes[0].get_xscale() == "linear"


def test_nothing_is_said_to_be_above_the_most_that_an_overlap_can_be() -> None:
    figure = overlap_and_load("recall", rows([0.05, 0.1], [1.0, 1.0]))
    assert headline(figure) == "recall: the overlap stays at 1, up to 0.1 patterns a unit"


def test_a_single_load_is_a_single_value() -> None:
    assert headline(overlap_and_load("overload", rows([0.2], [0.7]))) == "overload: overlap 0.70 at 0.2 patterns a unit"


def test_loads_far_beyond_the_capacity_are_drawn_on_a_logarithmic_axis_beside_the_others() -> None:
    figure = overlap_and_load("modern", rows([5.0, 25.0], [1.0, 1.0]), {"overload": rows([0.1, 0.3], [1.0, 0.4])})
    axes = figure.axes[0]
    assert axes.get_xscale() == "log"
    assert len(axes.lines) == 3
    assert {"modern", "overload"} <= {text.get_text() for text in axes.texts}


def test_an_overlap_below_zero_is_not_cut_off() -> None:
    assert overlap_and_load("spurious", rows([0.1, 0.2], [-0.5, 0.1])).axes[0].get_ylim()[0] <= -0.5


def test_values_that_are_not_finite_are_gaps_and_said() -> None:
    assert headline(overlap_and_load("recall", rows([0.1, 0.2], [1.0, None]))).endswith("1 value is not finite (gaps)")


def test_a_record_without_overlaps_gives_a_figure_that_says_so() -> None:
    assert headline(overlap_and_load("recall", rows([], []))) == "recall: no overlaps recorded"
