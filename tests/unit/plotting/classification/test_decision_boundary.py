"""What the decision boundary shows and says is what the data and the model say."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from plotting.classification.decision_boundary import decision_boundary
from plotting.points import DRAWN_AT_MOST, draw_points, view
from plotting.style import INK, new_figure
from utils.errors import InputError

GATE_INPUTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
XOR, AND = np.array([0, 1, 1, 0]), np.array([0, 0, 0, 1])


def headline(figure: Figure) -> str:
    return figure.get_suptitle().replace("\n", " ")


def linear(weights: np.ndarray, bias: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda points: (points @ weights + bias > 0).astype(int)


def draw(targets: np.ndarray, weights: list[float], bias: float, **changes: Any) -> Figure:
    w = np.array(weights)
    given: dict[str, Any] = {
        "subject": "gate",
        "inputs": GATE_INPUTS,
        "targets": targets,
        "predict": linear(w, bias),
        "class_names": ("off", "on"),
        "feature_names": ("first input", "second input"),
        "weights": w,
        "bias": bias,
    }
    return decision_boundary(**(given | changes))


def groups(figure: Figure) -> dict[str, np.ndarray]:
    """The points drawn under each name of the key."""
    scatters = [artist for artist in figure.axes[0].collections if isinstance(artist, PathCollection)]
    return {str(scatter.get_label()): np.asarray(scatter.get_offsets()) for scatter in scatters}


def footnote(figure: Figure) -> str:
    return figure.get_supxlabel().replace("\n", " ")


def test_a_line_that_separates_is_said_to() -> None:
    figure = draw(AND, [1, 1], -1.5, subject="and")
    assert headline(figure) == "AND: the line separates the classes, 4 of 4 points right"


def test_xor_is_said_to_have_no_separating_line() -> None:
    figure = draw(XOR, [1, 1], 1.0, subject="xor")
    assert headline(figure) == "XOR: no line separates the classes, 2 of 4 points right"


def test_a_line_that_fails_where_another_would_not_is_told_apart() -> None:
    figure = draw(AND, [1, 1], -0.5)
    assert headline(figure) == ("gate: this line does not separate the classes but another would, 2 of 4 points right")


def test_the_split_is_named() -> None:
    assert "4 of 4 training points" in headline(draw(AND, [1, 1], -1.5, split="train"))
    assert "4 of 4 validation points" in headline(draw(AND, [1, 1], -1.5, split="validation"))


@pytest.mark.parametrize(
    ("weights", "bias"), [([1, 1], -1.5), ([2, -3], 0.5), ([1, 0], -0.5), ([0, -1], 0.25), ([1, 0], 1)]
)
def test_the_line_lies_where_w_x_plus_b_is_zero(weights: list[float], bias: float) -> None:
    figure = draw(XOR, weights, float(bias))
    (line,) = figure.axes[0].lines
    np.testing.assert_allclose(line.get_xydata() @ np.array(weights) + bias, 0, atol=1e-9)
    assert len(line.get_xydata()) == 2


def test_the_arrow_w_stands_on_the_line_and_points_to_the_second_class() -> None:
    weights, bias = np.array([2.0, -3.0]), 0.5
    figure = draw(XOR, weights.tolist(), bias)
    (arrow,) = [text for text in figure.axes[0].texts if text.get_text() == ""]
    foot, tip = np.array(arrow.xyann), np.array(arrow.xy)
    assert foot @ weights + bias == pytest.approx(0)
    step = tip - foot
    assert step[0] / weights[0] == pytest.approx(step[1] / weights[1])
    assert step @ weights > 0
    assert "w points to the side of 'on'" in footnote(figure)


def test_each_region_has_the_tint_of_the_models_answer() -> None:
    figure = draw(AND, [1, 0], -0.5)
    (image,) = figure.axes[0].images
    tints = np.asarray(image.get_array())
    left, right = tints[0, 0], tints[0, -1]
    assert left[2] > left[0]  # blue for the first class
    assert right[0] > right[2]  # orange for the second
    assert (tints[:, :200] == left).all()
    assert (tints[:, 200:] == right).all()


def test_mistakes_are_ringed_and_only_they() -> None:
    figure = draw(XOR, [1, 1], -0.5)
    assert {name: len(points) for name, points in groups(figure).items()} == {"off": 2, "on": 2, "wrong answer": 1}
    assert groups(figure)["wrong answer"].tolist() == [[1, 1]]
    assert "wrong answer" not in groups(draw(AND, [1, 1], -1.5))


def test_classes_differ_in_shape_as_well_as_in_colour() -> None:
    first, second = (c for c in draw(AND, [1, 1], -1.5).axes[0].collections if isinstance(c, PathCollection))
    assert first.get_facecolors().tolist() != second.get_facecolors().tolist()
    assert len(first.get_paths()[0]) != len(second.get_paths()[0])


def test_axes_carry_the_names_of_the_features() -> None:
    axes = draw(AND, [1, 1], -1.5).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("first input", "second input")


def test_w_of_zero_is_said_and_drawn_without_a_line() -> None:
    figure = draw(XOR, [0, 0], 1.0)
    assert headline(figure) == "gate: w = 0 gives no line, 2 of 4 points right"
    assert not figure.axes[0].lines


def test_scores_that_decide_nothing_are_no_line_and_shade_no_region() -> None:
    figure = draw(XOR, [1.7e-10, 1.7e-10], -2e-10, undecided=1e-6)
    assert headline(figure) == "gate: w = 0 gives no line, 1 of 4 points right"
    assert footnote(figure).startswith("w is as good as 0: ")
    axes = figure.axes[0]
    assert (len(axes.lines), len(axes.images), len(axes.texts)) == (0, 0, 0)
    assert len(groups(figure)["wrong answer"]) == 3


@pytest.mark.parametrize(("weights", "bias"), [([1e-5, 0.0], 0.0), ([0.0, 0.0], 1.0), ([np.nan, 1.0], 0.0)])
def test_scores_that_decide_something_shade_their_regions(weights: list[float], bias: float) -> None:
    assert len(draw(XOR, weights, bias, undecided=1e-6).axes[0].images) == 1


def test_a_small_w_of_a_model_whose_scores_have_no_unit_is_a_line() -> None:
    assert draw(AND, [1e-12, 1e-12], -1.5e-12).axes[0].lines


def test_weights_that_are_not_finite_are_said() -> None:
    figure = draw(XOR, [np.nan, 1], 0.0)
    assert "not finite" in headline(figure)
    assert not figure.axes[0].lines


def test_a_line_near_the_data_is_brought_into_sight_and_one_far_off_is_mentioned() -> None:
    assert draw(AND, [1, 0], 1.0).axes[0].lines
    figure = draw(AND, [1, 0], 50.0)
    assert not figure.axes[0].lines
    assert "outside the picture" in footnote(figure)


def test_a_single_class_is_not_said_to_be_separated() -> None:
    figure = draw(np.zeros(4, dtype=int), [1, 1], -5.0)
    assert headline(figure) == "gate: all points are 'off', 4 of 4 points right"


def test_a_single_point_can_be_drawn() -> None:
    figure = draw(np.array([1]), [1, 1], -1.5, inputs=np.ones((1, 2)))
    assert "1 of 1 points right" in headline(figure)


def test_no_point_at_all_is_said() -> None:
    assert headline(draw(XOR[:0], [1, 1], 0.0, inputs=GATE_INPUTS[:0])) == "gate: no examples to draw"


def test_three_classes_and_no_line() -> None:
    inputs = np.random.default_rng(0).normal(size=(60, 2))
    figure = decision_boundary(
        subject="three",
        inputs=inputs,
        targets=np.arange(60) % 3,
        predict=lambda points: (points[:, 0] > 0) * 2,
        class_names=("a", "b", "c"),
        feature_names=("first", "second"),
    )
    assert "separate" not in headline(figure)
    assert set(groups(figure)) == {"a", "b", "c", "wrong answer"}
    assert not figure.axes[0].lines


def test_of_very_many_points_some_are_drawn_all_are_counted_and_it_is_said() -> None:
    count = 3 * DRAWN_AT_MOST
    inputs = np.random.default_rng(0).normal(size=(count, 2))
    targets = linear(np.array([1.0, 1.0]), 0.0)(inputs)
    figure = draw(targets, [1, 1], 0.0, inputs=inputs)
    assert sum(len(points) for points in groups(figure).values()) == DRAWN_AT_MOST
    assert "15,000 of 15,000 points right" in headline(figure)
    assert "5,000 of 15,000 points drawn" in footnote(figure)


def test_comparable_features_share_a_scale_and_others_do_not() -> None:
    assert draw(AND, [1, 1], -1.5).axes[0].get_aspect() == 1
    figure = draw(AND, [1, 1], -1.5, inputs=GATE_INPUTS * [1, 1000])
    assert figure.axes[0].get_aspect() == "auto"
    assert "right angle" in footnote(figure)


def test_a_long_class_name_is_shortened_in_the_middle() -> None:
    names = ("a name that goes on and on: one", "a name that goes on and on: two")
    shown = set(groups(draw(AND, [1, 1], -1.5, class_names=names)))
    assert len(shown) == 2
    figure = draw(XOR, [1, 1], -0.5, class_names=names)
    figure.draw_without_rendering()
    assert figure.get_tightbbox().x1 <= figure.get_figwidth()
    assert all(len(name) <= 18 and "…" in name for name in shown)


def test_a_dollar_in_a_class_name_is_no_formula() -> None:
    figure = draw(AND, [1, 1], -1.5, class_names=("$_under", "$^over"))
    figure.draw_without_rendering()
    assert set(groups(figure)) == {"$_under", "$^over"}


@pytest.mark.parametrize("shape", [(4, 3), (4, 1), (4, 1, 8, 8), (4,)])
def test_data_that_do_not_lie_in_a_plane_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="plot 'decision_boundary' needs data with two features, but 'gate' has"):
        draw(AND, [1, 1], 0.0, inputs=np.zeros(shape))


@pytest.mark.parametrize("mistakes", [1, 2, 3, 4])
def test_all_rings_have_one_colour(mistakes: int) -> None:
    axes = new_figure(3, 3).add_subplot()
    wrong = np.arange(4) < mistakes
    draw_points(axes, np.arange(8.0).reshape(4, 2), np.array([0, 1, 0, 1]), ("a", "b"), wrong)
    (rings,) = (each for each in axes.collections if each.get_label() == "wrong answer")
    assert np.unique(rings.get_edgecolors(), axis=0).tolist() == [list(to_rgba(INK))]


def test_a_plane_without_points_is_drawn_where_it_is_said_what_to_show() -> None:
    nothing = np.zeros((0, 2), dtype=np.float32), np.zeros(0, dtype=np.int64)
    seen = view(np.array([[0.0, 0.0], [1.0, 1.0]]))
    figure = decision_boundary(
        "xor", *nothing, lambda x: (x[:, 0] > 0.5).astype(int), ("0", "1"), ("x1", "x2"), seen=seen
    )
    assert figure.get_suptitle() == "XOR: no points yet"
    assert figure.axes[0].get_xlim() == seen.x
