"""Curves, scales and words of the learning curve, from rows as they stand in `metrics.jsonl`."""

import math
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plotting.training.learning_curve import learning_curve


def headline(figure: Figure) -> str:
    return figure.get_suptitle().replace("\n", " ")


def rows(**metrics: list[float | None]) -> list[dict[str, Any]]:
    """Rows of epochs 1, 2, …; a keyword such as `train_loss` is the metric `train/loss`."""
    names = {name: name.replace("_", "/", 1) for name in metrics}
    length = len(next(iter(metrics.values())))
    return [
        {"step": 10 * (i + 1), "epoch": i + 1} | {names[name]: values[i] for name, values in metrics.items()}
        for i in range(length)
    ]


def names_at_the_edge(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_loss_and_accuracy_have_a_panel_each_with_a_curve_for_each_split() -> None:
    history = rows(train_loss=[1.0, 0.5], validation_loss=[1.1, 0.7], validation_accuracy=[0.5, 0.9])
    loss, accuracy = learning_curve("xor", history).axes
    assert [line.get_ydata().tolist() for line in loss.lines] == [[1.0, 0.5], [1.1, 0.7]]
    assert [line.get_ydata().tolist() for line in accuracy.lines] == [[0.5, 0.9]]
    assert names_at_the_edge(loss) == ["training", "validation"]
    assert (loss.get_ylabel(), accuracy.get_ylabel()) == ("loss", "accuracy (percent)")
    assert loss.get_xlabel() == "epoch"


def test_batches_are_fainter_than_splits_and_explained() -> None:
    figure = learning_curve("xor", rows(batch_loss=[1.2, 0.8], train_loss=[1.0, 0.5]))
    batch, train = figure.axes[0].lines
    assert batch.get_linewidth() < train.get_linewidth()
    assert batch.get_alpha() < 1
    assert "while the weights moved" in figure.get_supxlabel()


def test_the_headline_tells_where_accuracy_ends_and_its_best() -> None:
    figure = learning_curve("xor", rows(train_loss=[1.0, 0.5, 0.5], train_accuracy=[0.5, 0.75, 0.25]))
    assert headline(figure) == "XOR: training accuracy ends at 25%, best 75% at epoch 2"
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "Loss falls from 1 to 0.5",
        "Accuracy falls from 50% to 25%",
    ]


def test_the_headline_prefers_data_the_model_did_not_learn_from() -> None:
    figure = learning_curve("and", rows(train_accuracy=[0.5, 1.0], validation_accuracy=[0.5, 0.9]))
    assert headline(figure) == "AND: validation accuracy ends at 90%"


def test_the_best_loss_and_error_are_the_least() -> None:
    assert (
        headline(learning_curve("a", rows(train_loss=[1.0, 0.2, 0.4])))
        == "a: training loss ends at 0.4, best 0.2 at epoch 2"
    )
    assert (
        headline(learning_curve("a", rows(train_error=[0.5, 0.1, 0.2])))
        == "a: training error ends at 20%, best 10% at epoch 2"
    )


def test_an_accuracy_just_below_one_is_not_rounded_to_it() -> None:
    assert headline(learning_curve("a", rows(train_accuracy=[0.5, 0.9997]))) == "a: training accuracy ends at 99.97%"


@pytest.mark.parametrize(
    ("losses", "scale"),
    [([1.0, 0.5], "linear"), ([1.0, 0.001], "log"), ([1.0, 0.0], "linear"), ([1.0, -0.001], "linear")],
)
def test_the_loss_is_logarithmic_where_it_falls_far_and_stays_positive(losses: list[float | None], scale: str) -> None:
    axes = learning_curve("xor", rows(train_loss=losses)).axes[0]
    assert axes.get_yscale() == scale
    assert ("log scale" in axes.get_title(loc="left")) == (scale == "log")


def test_ticks_of_a_logarithmic_axis_are_plain_numbers() -> None:
    figure = learning_curve("xor", rows(train_loss=[1.0, 0.001]))
    figure.draw_without_rendering()
    assert "0.01" in [label.get_text() for label in figure.axes[0].get_yticklabels()]


def test_a_known_limit_is_drawn_and_named() -> None:
    axes = learning_curve(
        "xor", rows(train_accuracy=[0.5, 0.75]), bounds={"train/accuracy": 0.75, "train/loss": 0.1}
    ).axes[0]
    assert axes.lines[-1].get_ydata() == [0.75, 0.75]
    assert names_at_the_edge(axes) == ["training", "limit 75%"]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, None])
def test_a_value_that_is_not_finite_is_a_gap_and_said(bad: float | None) -> None:
    figure = learning_curve("xor", rows(train_loss=[1.0, bad, 0.5, 0.4]))
    (line,) = figure.axes[0].lines
    assert np.isnan(line.get_ydata()).tolist() == [False, True, False, False]
    assert line.get_marker() == "o"  # so that the value before the gap is seen
    assert headline(figure) == "XOR: training loss ends at 0.4, 1 value is not finite (gaps)"


def test_a_run_that_was_never_finite_is_said_to_be() -> None:
    figure = learning_curve("xor", rows(train_loss=[math.nan, math.inf]))
    assert headline(figure) == "XOR: training loss was never finite, 2 values are not finite (gaps)"


def test_a_single_evaluation_is_a_dot() -> None:
    figure = learning_curve("xor", rows(train_accuracy=[0.5]))
    assert figure.axes[0].lines[0].get_marker() == "o"
    figure.draw_without_rendering()


@pytest.mark.parametrize("history", [[], [{"step": 1, "epoch": 1, "optimizer/lr": 0.1}]])
def test_a_record_without_evaluations_gives_a_figure_that_says_so(history: list[dict[str, Any]]) -> None:
    assert headline(learning_curve("xor", history)) == "XOR: no evaluations recorded"


def test_steps_are_counted_where_the_epoch_number_does_not_tell_moments_apart() -> None:
    history = [{"step": step, "epoch": 1, "batch/loss": 1 / step} for step in (10, 20, 30)]
    axes = learning_curve("xor", history).axes[0]
    assert axes.lines[0].get_xdata().tolist() == [10, 20, 30]
    assert axes.get_xlabel() == "step (updates of the weights)"


@pytest.mark.parametrize("end", [0.0, 0.5, 1.0])
def test_names_at_the_edge_neither_overlap_nor_leave_the_panel(end: float) -> None:
    start = 1.0 - end
    history = rows(
        batch_error=[start, end], train_error=[start, end], validation_error=[0.1, end], test_error=[0.9, end]
    )
    heights = sorted(text.xy[1] for text in learning_curve("xor", history).axes[0].texts)
    assert len(heights) == 4
    assert min(np.diff(heights)) > 0.06
    assert heights[0] >= 0
    assert heights[-1] <= 1
