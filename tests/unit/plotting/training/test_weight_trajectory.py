"""How the line moved, read from the record of a run."""

import math
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from plotting.training.weight_trajectory import weight_trajectory
from utils.errors import InputError

GATE_INPUTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
AND = np.array([0, 0, 0, 1])


def headline(figure: Figure) -> str:
    return figure.get_suptitle().replace("\n", " ")


def records(*parameters: tuple[float | None, float, float]) -> list[dict[str, Any]]:
    return [
        {"step": 4 * epoch, "epoch": epoch, "model/weight_0": first, "model/weight_1": second, "model/bias": bias}
        for epoch, (first, second, bias) in enumerate(parameters)
    ]


def draw(history: list[dict[str, Any]], inputs: np.ndarray = GATE_INPUTS) -> Figure:
    return weight_trajectory("and", history, inputs, AND[: len(inputs)], ("0", "1"), ("first", "second"))


def test_every_line_lies_where_its_w_x_plus_b_is_zero_and_the_last_is_the_strongest() -> None:
    parameters = [(1.0, 0.5, -0.2), (1.0, 1.0, -1.0), (2.0, 1.0, -2.0)]
    lines = draw(records(*parameters)).axes[0].lines
    assert len(lines) == 3
    for line, (first, second, bias) in zip(lines, parameters, strict=True):
        np.testing.assert_allclose(line.get_xydata() @ [first, second] + bias, 0, atol=1e-9)
    assert lines[0].get_linewidth() < lines[1].get_linewidth() < lines[2].get_linewidth()


def test_first_and_last_line_are_named() -> None:
    figure = draw(records((0.0, 0.0, 0.0), (1.0, 0.5, -0.2), (1.0, 1.0, -1.0), (2.0, 1.0, -2.0)))
    assert {text.get_text() for text in figure.axes[0].texts} == {"epoch 1", "epoch 3"}


def test_a_line_that_came_to_rest_is_drawn_once_and_said_to_rest() -> None:
    figure = draw(records((0.0, 0.0, 0.0), (1.0, 0.5, -0.5), (1.0, 1.0, -1.5), (1.0, 1.0, -1.5), (1.0, 1.0, -1.5)))
    assert headline(figure) == "AND: the line came to rest at epoch 2 of 4"
    assert len(figure.axes[0].lines) == 2
    assert "no line where w = 0 (1 of 5 records)" in figure.get_supxlabel()


def test_a_line_that_still_moves_is_said_to() -> None:
    figure = draw(records((1.0, 1.0, 0.0), (1.0, 1.0, -0.5), (1.0, 1.0, -1.0)))
    assert headline(figure) == "AND: the line was still moving at the end, epoch 2"


def test_a_line_that_never_moved_is_said_not_to() -> None:
    figure = draw(records((1.0, 1.0, 0.0), (1.0, 1.0, 0.0)))
    assert headline(figure) == "AND: the line did not move from epoch 0 to 1"


def test_many_epochs_are_thinned_to_a_dozen_lines_with_the_first_and_the_last() -> None:
    history = records(*[(1.0, 1.0, -0.01 * epoch) for epoch in range(200)])
    figure = draw(history)
    lines = figure.axes[0].lines
    assert len(lines) == 12
    np.testing.assert_allclose(lines[0].get_xydata().sum(axis=1), 0.0, atol=1e-9)
    np.testing.assert_allclose(lines[-1].get_xydata().sum(axis=1), 1.99, atol=1e-9)
    assert "12 of 200 lines drawn" in figure.get_supxlabel()
    assert len(figure.axes[1].lines[1].get_xdata()) == 200  # the panel of weights has them all


def test_weights_and_bias_are_drawn_over_epochs_and_named_at_their_ends() -> None:
    panel = draw(records((0.0, 0.0, 0.0), (1.0, 2.0, -3.0))).axes[1]
    assert [line.get_ydata().tolist() for line in panel.lines[1:]] == [[0, 1], [0, 2], [0, -3]]
    assert [text.get_text() for text in panel.texts] == ["w₁", "w₂", "b"]
    assert panel.get_xlabel() == "epoch"


def test_only_zero_weights_draw_no_line() -> None:
    figure = draw(records((0.0, 0.0, 0.0), (0.0, 0.0, 1.0)))
    assert not figure.axes[0].lines
    assert "no line where w = 0 (2 of 2 records)" in figure.get_supxlabel()


@pytest.mark.parametrize("bad", [math.nan, math.inf, None])
def test_a_value_that_is_not_finite_is_a_gap_and_said(bad: float | None) -> None:
    figure = draw(records((1.0, 0.5, -0.5), (bad, 1.0, -1.5), (1.0, 1.0, -1.5)))
    assert "1 value is not finite" in headline(figure)
    assert len(figure.axes[0].lines) == 2
    assert np.isnan(figure.axes[1].lines[1].get_ydata()).tolist() == [False, True, False]


def test_lines_far_from_the_data_are_mentioned() -> None:
    figure = draw(records((1.0, 1.0, -500.0), (1.0, 1.0, -1.5)))
    assert len(figure.axes[0].lines) == 1
    assert "1 line lies outside the picture" in figure.get_supxlabel()


def test_a_single_record_is_one_line() -> None:
    figure = draw(records((1.0, 1.0, -1.5)))
    assert headline(figure) == "AND: the line at epoch 0, the only one recorded"


def test_rows_without_weights_are_passed_over() -> None:
    rows = records((1.0, 1.0, 0.0), (1.0, 1.0, -1.0))
    history = [
        rows[0],
        {"step": 2, "epoch": 0.5, "batch/loss": 1.0},
        rows[1],
        {"step": 5, "epoch": 1.25, "model/bias": 7.0},
    ]
    assert len(draw(history).axes[0].lines) == 2


@pytest.mark.parametrize("history", [[], [{"step": 1, "epoch": 1, "train/loss": 0.5}]])
def test_a_record_without_weights_gives_a_figure_that_says_so(history: list[dict[str, Any]]) -> None:
    assert headline(draw(history)) == "AND: no weights recorded"


def test_data_that_do_not_lie_in_a_plane_are_refused() -> None:
    with pytest.raises(InputError, match="plot 'weight_trajectory' needs data with two features, but 'and' has 5"):
        draw(records((1.0, 1.0, 0.0)), inputs=np.zeros((4, 5)))
