"""Patterns as images: stored, corrupted, recalled."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from plotting.memory.recall_gallery import recall_gallery
from plotting.style import VERMILLION
from utils.errors import InputError

STORED = np.array([[1.0, -1, 1, -1, 1, -1], [-1.0, -1, -1, 1, 1, 1]])
CORRUPTED = -STORED


def headline(figure: Figure) -> str:
    return figure.get_suptitle().replace("\n", " ")


def framed(figure: Figure) -> list[int]:
    return [i for i, axes in enumerate(figure.axes) if axes.spines["top"].get_edgecolor() == to_rgba(VERMILLION)]


def test_three_rows_show_what_was_stored_what_was_left_and_what_came_back() -> None:
    figure = recall_gallery("digits", STORED, CORRUPTED, STORED, (2, 3), ("zero", "one"))
    shown = [axes.images[0].get_array() for axes in figure.axes]
    wanted = [image.reshape(2, 3) for row in (STORED, CORRUPTED, STORED) for image in row]
    np.testing.assert_array_equal(np.stack(shown), np.stack(wanted))
    assert [figure.axes[i].get_ylabel() for i in (0, 2, 4)] == ["stored", "corrupted", "recalled"]
    assert [axes.get_title() for axes in figure.axes[:2]] == ["zero", "one"]
    assert headline(figure) == "digits: 2 of 2 patterns recalled without a wrong pixel"
    assert framed(figure) == []


def test_a_recall_that_went_wrong_is_framed() -> None:
    recalled = STORED.copy()
    recalled[1, 0] *= -1
    figure = recall_gallery("digits", STORED, CORRUPTED, recalled, (2, 3), ("0", "1"))
    assert headline(figure) == "digits: 1 of 2 patterns recalled without a wrong pixel"
    assert framed(figure) == [5]
    assert figure.get_supxlabel() == "framed: recalled with wrong pixels"


def test_recalls_that_all_end_in_the_same_state_are_said_to() -> None:
    figure = recall_gallery("digits", STORED, CORRUPTED, STORED[[0, 0]], (2, 3), ("0", "1"))
    assert headline(figure).endswith("every recall ends in the same state")


def test_a_continuous_recall_counts_by_its_signs() -> None:
    figure = recall_gallery("modern", STORED, CORRUPTED, 0.9 * STORED, (2, 3), ("0", "1"))
    assert headline(figure) == "modern: 2 of 2 patterns recalled without a wrong pixel"


def test_of_many_patterns_the_first_are_shown_and_all_are_counted() -> None:
    many = np.tile(STORED, (6, 1))
    figure = recall_gallery("digits", many, many, many, (2, 3), tuple("abcdefghijkl"))
    assert len(figure.axes) == 30
    assert headline(figure).startswith("digits: 12 of 12 patterns")
    assert figure.get_supxlabel() == "the first 10 are shown"


def test_patterns_that_are_not_images_are_refused() -> None:
    with pytest.raises(InputError, match="needs one unit a pixel, but 'recall' has 6 units for images of 28 x 28"):
        recall_gallery("recall", STORED, CORRUPTED, STORED, (28, 28), ("0", "1"))
