"""The look that all plots share."""

import itertools

import pytest

from plotting.style import class_colour, class_marker, display_name, percent, shorten


@pytest.mark.parametrize(
    ("subject", "shown"),
    [("xor", "XOR"), ("mnist-0v1", "MNIST-0v1"), ("iris-hard", "iris-hard"), ("noisy_or", "noisy_OR")],
)
def test_gates_and_mnist_are_spelled_as_one_writes_them(subject: str, shown: str) -> None:
    assert display_name(subject) == shown


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0%"), (1.0, "100%"), (0.75, "75%"), (2 / 3, "66.7%"), (0.9999, "99.99%"), (0.0003, "0.03%")],
)
def test_a_percentage_is_0_or_100_only_where_that_is_exact(share: float, text: str) -> None:
    assert percent(share) == text


def test_a_long_name_keeps_both_its_ends() -> None:
    assert shorten("Iris versicolor, wild", 12) == "Iris v… wild"
    assert len(shorten("x" * 100, 12)) == 12
    assert shorten("setosa", 12) == "setosa"


def test_colour_and_shape_together_tell_64_classes_apart() -> None:
    looks = {(class_colour(index), class_marker(index)) for index in range(64)}
    assert len(looks) == 64


def test_the_first_eight_classes_differ_in_colour_and_in_shape() -> None:
    for first, second in itertools.combinations(range(8), 2):
        assert class_colour(first) != class_colour(second)
        assert class_marker(first) != class_marker(second)
