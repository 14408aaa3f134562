"""Counts and shares of the confusion matrix."""

import itertools

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plotting.classification.confusion_matrix import confusion_matrix
from utils.errors import InputError


def headline(figure: Figure) -> str:
    return figure.get_suptitle().replace("\n", " ")


def cells(axes: Axes) -> dict[tuple[int, int], str]:
    """Text by (true, predicted) class."""
    return {(int(text.get_position()[1]), int(text.get_position()[0])): text.get_text() for text in axes.texts}


def test_rows_are_true_classes_and_columns_predicted_ones() -> None:
    figure = confusion_matrix("iris-hard", np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), ("versicolor", "virginica"))
    axes = figure.axes[0]
    assert cells(axes) == {(0, 0): "2\n67%", (0, 1): "1\n33%", (1, 0): "0\n0%", (1, 1): "1\n100%"}
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("true class", "predicted class")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["versicolor", "virginica"]


def test_the_headline_counts_and_names_the_commonest_mistake() -> None:
    targets, predictions = np.array([0, 1, 2, 2, 2, 1]), np.array([0, 1, 0, 0, 2, 2])
    figure = confusion_matrix("abc", targets, predictions, ("a", "b", "c"), split="test")
    words = "abc: 3 of 6 test examples right (50%), most often wrong: 'c' taken for 'a' (2 times)"
    assert headline(figure) == words


def test_a_perfect_result_names_no_mistake() -> None:
    figure = confusion_matrix("abc", np.arange(3), np.arange(3), ("a", "b", "c"), split="train")
    assert headline(figure) == "abc: 3 of 3 training examples right (100%)"


def test_right_answers_are_blue_and_mistakes_orange() -> None:
    figure = confusion_matrix("xor", np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), ("0", "1"))
    colours = np.asarray(figure.axes[0].images[0].get_array())
    assert colours[1, 1, 2] > colours[1, 1, 0]
    assert colours[0, 1, 0] > colours[0, 1, 2]
    assert colours[1, 0].tolist() == [1, 1, 1]  # nothing there


def test_a_class_without_examples_has_counts_but_no_percentages() -> None:
    figure = confusion_matrix("gate", np.zeros(4, dtype=int), np.array([0, 0, 0, 1]), ("off", "on"))
    assert cells(figure.axes[0]) == {(0, 0): "3\n75%", (0, 1): "1\n25%", (1, 0): "0", (1, 1): "0"}


def test_a_share_is_rounded_to_nothing_or_everything_only_where_that_is_exact() -> None:
    predictions = np.zeros(1000, dtype=int)
    predictions[0] = 1
    figure = confusion_matrix("a", np.zeros(1000, dtype=int), predictions, ("a", "b"))
    assert cells(figure.axes[0])[0, 0] == "999\n>99%"
    assert cells(figure.axes[0])[0, 1] == "1\n<1%"


@pytest.mark.parametrize("k", [2, 3, 4, 5, 10, 11, 20])
def test_text_fits_its_cell_for_two_to_twenty_classes(k: int) -> None:
    generator = np.random.default_rng(0)
    targets, predictions = generator.integers(0, k, (2, 200_000))
    figure = confusion_matrix("digits", targets, predictions, tuple(f"a rather long class name {i}" for i in range(k)))
    figure.draw_without_rendering()
    axes = figure.axes[0]
    cell = axes.get_window_extent().width / k
    assert len(axes.texts) == k * k
    assert max(text.get_window_extent().width for text in axes.texts) < cell
    assert max(text.get_window_extent().height for text in axes.texts) < cell
    labels = [label.get_window_extent() for label in axes.get_xticklabels()]
    assert all(a.x1 <= b.x0 for a, b in itertools.pairwise(labels))
    box = figure.get_tightbbox()
    assert box.x0 >= 0
    assert box.x1 <= figure.get_figwidth()


def test_a_class_index_without_a_name_is_refused() -> None:
    for index in (3, -1):
        with pytest.raises(InputError, match="'abc' names 3 classes"):
            confusion_matrix("abc", np.array([0]), np.array([index]), ("a", "b", "c"))


def test_no_examples_give_a_figure_that_says_so() -> None:
    nothing = np.zeros(0, dtype=int)
    assert headline(confusion_matrix("xor", nothing, nothing, ("0", "1"))) == "XOR: no examples to count"
