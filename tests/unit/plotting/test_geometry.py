"""Lines in the plane against the definitions: points on the line, classes on their sides."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from plotting.geometry import convex_hull, line_in_box, separable

GATE_INPUTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
UNIT = (0.0, 1.0)
ordinary = st.floats(-100, 100).filter(lambda value: value == 0 or abs(value) > 1e-3)
whole_points = st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=1, max_size=6).map(np.array)


@given(ordinary, ordinary, ordinary)
def test_both_ends_of_a_line_lie_on_it_and_on_the_edge_of_the_box(first: float, second: float, bias: float) -> None:
    assume(first or second)
    weights = np.array([first, second])
    ends = line_in_box(weights, bias, (-2.0, 3.0), (-1.0, 4.0))
    assume(ends is not None)
    assert ends is not None
    np.testing.assert_allclose(ends @ weights + bias, 0, atol=1e-9 * (abs(weights).max() + abs(bias)))
    for x, y in ends:
        assert min(abs(x + 2), abs(x - 3), abs(y + 1), abs(y - 4)) < 1e-9
        assert -2 - 1e-9 <= x <= 3 + 1e-9
        assert -1 - 1e-9 <= y <= 4 + 1e-9


@pytest.mark.parametrize(
    ("weights", "bias"),
    [
        ([0, 0], 0.0),
        ([0, 0], 1.0),
        ([1, 1], -5.0),
        ([0, 1], 2.0),
        ([np.nan, 1], 0.0),
        ([np.inf, 1], 0.0),
        ([1, 1], np.inf),
    ],
)
def test_a_line_that_is_none_or_passes_by_has_no_ends(weights: list[float], bias: float) -> None:
    assert line_in_box(np.array(weights), bias, UNIT, UNIT) is None


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_tiny_and_huge_weights_give_the_same_line(scale: float) -> None:
    ends = line_in_box(np.array([1.0, 1.0]) * scale, -1.0 * scale, UNIT, UNIT)
    np.testing.assert_allclose(sorted(map(tuple, ends)), [(0, 1), (1, 0)], atol=1e-12)


def test_exactly_fourteen_of_the_sixteen_boolean_functions_are_separable() -> None:
    tables = [np.array(table, dtype=bool) for table in itertools.product([0, 1], repeat=4)]
    fails = [table.astype(int).tolist() for table in tables if not separable(GATE_INPUTS[table], GATE_INPUTS[~table])]
    assert fails == [[0, 1, 1, 0], [1, 0, 0, 1]]  # XOR and its opposite


@given(whole_points, whole_points)
def test_separable_agrees_with_trying_every_direction(first: np.ndarray, second: np.ndarray) -> None:
    # On whole numbers below 4 the extreme separating directions lie a good angle apart, so a fine fan misses none.
    angles = np.linspace(0, 2 * np.pi, 2000, endpoint=False)
    directions = np.stack([np.cos(angles), np.sin(angles)])
    apart = bool(((first @ directions).min(axis=0) > (second @ directions).max(axis=0) + 1e-9).any())
    assert separable(first, second) == apart


def test_points_on_one_line_are_separable_only_side_by_side() -> None:
    line = np.array([[0, 0], [1, 1], [2, 2]])
    assert separable(line[:1], line[1:])
    assert not separable(line[[0, 2]], line[[1]])


def test_a_class_without_points_is_separable_from_any() -> None:
    assert separable(GATE_INPUTS, GATE_INPUTS[:0])


def test_the_hull_keeps_corners_and_drops_the_rest() -> None:
    square_and_inside = np.array([[0, 0], [2, 0], [2, 2], [0, 2], [1, 1], [1, 0], [0, 0]])
    assert sorted(map(tuple, convex_hull(square_and_inside))) == [(0, 0), (0, 2), (2, 0), (2, 2)]
    assert convex_hull(np.array([[1, 1], [1, 1]])).tolist() == [[1, 1]]
