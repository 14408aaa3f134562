"""The picture of a regression."""

from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

import plotting
from utils.errors import InputError

X = np.linspace(-1, 1, 50, dtype=np.float32)[:, np.newaxis]


def draw(inputs: np.ndarray, targets: np.ndarray, predict: Any, **changes: Any) -> Figure:
    available = {
        "subject": "sine",
        "inputs": inputs,
        "targets": targets,
        "predictions": predict(inputs),
        "predict": predict,
        "feature_names": tuple(f"x{i}" for i in range(inputs.shape[1])),
        "target_names": tuple(f"y{i}" for i in range(targets.shape[1])),
        "split": "test",
    }
    return plotting.render("fit", available | changes)


def test_one_input_shows_the_curve_of_the_model() -> None:
    figure = draw(X, X**2, lambda x: x**2)
    (curve,) = figure.axes[0].lines
    assert np.allclose(curve.get_ydata(), np.square(curve.get_xdata()))
    assert figure.get_suptitle() == "sine: 100% of the variance of the test examples explained"


def test_more_inputs_show_predicted_against_true() -> None:
    inputs, true = np.c_[X, X], X * 3
    figure = draw(inputs, true, lambda x: x[:, :1] * 2)
    points = figure.axes[0].collections[0].get_offsets()
    assert np.allclose(points, np.c_[true, true * 2 / 3])
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("y0, true", "y0, predicted")


def test_every_number_of_a_target_has_a_panel() -> None:
    assert len(draw(X, np.c_[X, -X], lambda x: np.c_[x, -x]).axes) == 2


@pytest.mark.parametrize(
    ("targets", "predict", "finding"),
    [
        (X, lambda x: x + 10, "no better than the mean"),
        (X, lambda x: x * np.nan, "a prediction is not finite"),
        (X * 0, lambda x: x * 0, "all alike"),
    ],
)
def test_the_headline_says_what_went_wrong(targets: np.ndarray, predict: Any, finding: str) -> None:
    assert finding in draw(X, targets, predict).get_suptitle()


def test_no_examples_give_a_figure_that_says_so() -> None:
    assert "no examples" in draw(X[:0], X[:0], lambda x: x).get_suptitle()


def test_what_is_left_out_is_said() -> None:
    many = np.linspace(0, 1, 6000, dtype=np.float32)[:, np.newaxis]
    assert draw(many, many, lambda x: x).get_supxlabel() == "5,000 of 6,000 examples drawn"


def test_a_fit_of_classes_and_a_confusion_matrix_of_numbers_are_refused_in_one_line() -> None:
    with pytest.raises(InputError, match="plot 'fit' needs target_names, which this experiment does not have"):
        draw(X, X, lambda x: x, target_names=None)
    with pytest.raises(InputError, match="plot 'confusion_matrix' needs class_names"):
        plotting.render("confusion_matrix", {"subject": "sine", "targets": X, "predictions": X, "class_names": None})
