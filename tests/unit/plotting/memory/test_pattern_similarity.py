"""How alike patterns are: the matrix and the words."""

import numpy as np
from matplotlib.figure import Figure

from plotting.memory.pattern_similarity import pattern_similarity

PATTERNS = np.array([[1.0, 1, 1, 1], [1.0, 1, 1, -1], [-1.0, -1, -1, -1]])


def headline(figure: Figure) -> str:
    return figure.get_suptitle().replace("\n", " ")


def test_every_two_patterns_have_a_cell_with_their_overlap() -> None:
    figure = pattern_similarity("digits", PATTERNS, ("a", "b", "c"))
    axes = figure.axes[0]
    overlaps = [[1, 0.5, -1], [0.5, 1, -0.5], [-1, -0.5, 1]]
    assert axes.images[0].get_array().tolist() == overlaps
    assert [text.get_text() for text in axes.texts] == [f"{value:.2f}" for row in overlaps for value in row]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b", "c"]


def test_the_headline_compares_with_independent_patterns() -> None:
    figure = pattern_similarity("digits", PATTERNS, ("a", "b", "c"))
    expected = "digits: two patterns overlap by 0.67 on average, where independent ones would by 0.40"
    assert headline(figure) == expected


def test_the_number_for_independent_patterns_is_what_chance_gives() -> None:
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (60, 784))
    found = headline(pattern_similarity("random", signs, tuple(map(str, range(60)))))
    assert found == "random: two patterns overlap by 0.03 on average, where independent ones would by 0.03"


def test_many_patterns_have_no_numbers() -> None:
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (20, 10))
    assert len(pattern_similarity("random", signs, tuple(map(str, range(20)))).axes[0].texts) == 0


def test_one_pattern_has_nothing_to_be_compared_with() -> None:
    assert headline(pattern_similarity("one", PATTERNS[:1], ("a",))) == "one: fewer than two patterns to compare"
