"""The pictures of a tape: its graph, its exactness, its cost."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from plotting.autograd.computation_graph import computation_graph
from plotting.autograd.gradient_check import gradient_check
from plotting.autograd.tape_cost import tape_cost


def headline(figure: Figure) -> str:
    return figure.get_suptitle().replace("\n", " ")


def test_a_graph_has_a_box_for_each_result_and_an_arrow_for_each_source() -> None:
    figure = computation_graph("xor", ("leaf", "leaf", "add", "mean"), ((0, 2), (1, 2), (2, 3)))
    named = [text.get_text() for text in figure.axes[0].texts if text.get_text()]
    assert named == ["leaf", "leaf", "add", "mean"]
    assert len(figure.axes[0].texts) == 4 + 3  # an arrow is an annotation without a text
    assert headline(figure) == "XOR: 2 operations from 2 leaves to the loss"


def test_no_two_boxes_share_a_place_and_sources_are_to_the_left() -> None:
    edges = ((0, 2), (1, 2), (2, 3), (2, 4), (3, 5), (4, 5))
    figure = computation_graph("xor", ("leaf", "leaf", "add", "pick", "logsumexp", "subtract"), edges)
    places = [text.get_position() for text in figure.axes[0].texts if text.get_text()]
    assert len(set(places)) == 6
    assert all(places[a][0] < places[b][0] for a, b in edges)


def test_of_a_long_computation_the_end_is_drawn() -> None:
    nodes = tuple(f"node {i}" for i in range(50))
    figure = computation_graph("deep", nodes, tuple((i, i + 1) for i in range(49)))
    assert "the first 10 of 50 results are left out" in figure.get_supxlabel().replace("\n", " ")


@pytest.mark.parametrize(("worst", "said"), [(1e-9, "all 2 operations pass"), (1e-3, "wrong: tanh")])
def test_the_gradient_check_names_what_is_wrong(worst: float, said: str) -> None:
    figure = gradient_check("xor", {"tanh": worst, "add": 0.0})
    assert headline(figure) == f"XOR: gradient check, {said}"
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["add", "tanh"]


def test_a_gradient_that_is_not_a_number_is_wrong() -> None:
    assert headline(gradient_check("xor", {"tanh": float("nan")})) == "XOR: gradient check, wrong: tanh"


def test_the_cost_is_drawn_over_the_depth() -> None:
    figure = tape_cost("cost", np.array([1, 2]), np.array([3.0, 4.5]), np.array([10, 20]), np.array([10, 20]))
    time, memory = figure.axes
    assert time.lines[0].get_ydata().tolist() == [3.0, 4.5]
    assert memory.lines[0].get_ydata().tolist() == memory.lines[1].get_ydata().tolist() == [10, 20]
    assert headline(figure).startswith("cost: the tape takes 3.0 to 4.5 times as long as gradients by hand")
