"""The hand-written parts, each on numbers that can be worked out on paper."""

import numpy as np
import torch

from config import ModelConfig
from model import TapeNetwork
from networks import by_hand, cross_entropy
from operations import logsumexp, tanh, total
from tape import Variable, in_order, summed_to
from tests.support.agreement import agree


def test_sources_come_before_what_is_made_from_them() -> None:
    x = Variable(2.0)
    a, b = x + 1.0, x + 3.0
    y = a + b
    order = in_order(y)
    assert len(order) == len(set(map(id, order))), f"each variable stands in the order once, equation (4): {order}"
    place = {id(node): i for i, node in enumerate(order)}
    assert {id(x), id(a), id(b), id(y)} <= place.keys(), "the order must hold every variable that y was made from"
    for node in order:
        for source, _ in node.sources:
            message = f"{source.operation} must come before {node.operation}, equation (4)"
            assert place[id(source)] < place[id(node)], message


def test_the_order_of_a_long_tape_needs_no_recursion() -> None:
    y = Variable(0.0)
    for _ in range(5000):
        y = y + 1.0
    assert len(in_order(y)) == 10_001


def test_gradients_of_several_uses_add_up() -> None:
    x = Variable([1.0, 2.0])
    x.receive(np.array([1.0, 10.0]))
    agree("the gradient after the first call", x.gradient, [1, 10], tolerance=0, equation="(3)")
    x.receive(np.array([2.0, 20.0]))
    agree("the gradient after the second call", x.gradient, [3, 30], tolerance=0, equation="(3)")


def test_a_sum_that_was_broadcast_is_summed_back() -> None:
    gradient = np.arange(6.0).reshape(2, 3)
    agree("the gradient of a row", summed_to(gradient, (3,)), [3, 5, 7], tolerance=0, equation="(5)")
    agree("the gradient of a column", summed_to(gradient, (2, 1)), [[3], [12]], tolerance=0, equation="(5)")
    agree("the gradient of one number", summed_to(gradient, ()), 15, tolerance=0, equation="(5)")
    agree("the gradient of the same shape", summed_to(gradient, (2, 3)), gradient, tolerance=0, equation="(5)")


def test_backward_goes_through_a_graph_that_parts_and_meets_again() -> None:
    x = Variable(3.0)
    a = x + 1.0
    b = a + a  # 2 (x + 1)
    y = b - x  # x + 2
    y.backward()
    agree("∂y/∂y", y.gradient, 1, tolerance=0, equation="(2)")
    agree("∂y/∂a", a.gradient, 2, tolerance=0, equation="(3)")
    agree("∂y/∂x", x.gradient, 1, tolerance=0, equation="(3)")


def test_backward_called_twice_doubles_the_gradients_of_leaves_only() -> None:
    x = Variable(3.0)
    a = x + x
    y = a + 1.0
    y.backward()
    y.backward()
    agree("∂y/∂x", x.gradient, 4, tolerance=0, equation="(3)")
    agree("∂y/∂a", a.gradient, 1, tolerance=0, equation="(3)")


def test_each_factor_gets_the_other_one() -> None:
    a, b = Variable([2.0, 3.0]), Variable([5.0, 7.0])
    total(a * b).backward()
    agree("∂/∂a", a.gradient, [5, 7], tolerance=0, equation="(7)")
    agree("∂/∂b", b.gradient, [2, 3], tolerance=0, equation="(7)")


def test_a_matrix_product_gives_each_factor_the_other_transposed() -> None:
    a, b = Variable([[1.0, 2.0, 3.0]]), Variable([[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]])
    total(a @ b * np.array([[1.0, 10.0]])).backward()
    agree("∂/∂A", a.gradient, [[41, 52, 63]], tolerance=0, equation="(8)")
    agree("∂/∂B", b.gradient, [[1, 10], [2, 20], [3, 30]], tolerance=0, equation="(8)")


def test_tanh_has_the_slope_one_less_its_square() -> None:
    x = Variable([0.0, 0.5])
    total(tanh(x)).backward()
    agree("the slope of tanh", x.gradient, [1, 0.7864477], tolerance=1e-6, equation="(9)")


def test_logsumexp_has_the_softmax_as_its_gradient() -> None:
    x = Variable([[0.0, np.log(3.0)]])
    total(logsumexp(x, axis=1)).backward()
    agree("the gradient of logsumexp", x.gradient, [[0.25, 0.75]], tolerance=1e-12, equation="(10)")


def test_the_cross_entropy_of_even_scores_is_the_logarithm_of_their_number() -> None:
    loss = cross_entropy(Variable(np.zeros((5, 4))), np.array([0, 1, 2, 3, 0]))
    agree("the cross-entropy", loss.data, np.log(4), tolerance=1e-12, equation="(11)")
    loss = cross_entropy(Variable([[0.0, np.log(3.0)], [0.0, 0.0]]), np.array([1, 0]))
    agree("the cross-entropy", loss.data, (np.log(4 / 3) + np.log(2)) / 2, tolerance=1e-12, equation="(11)")


def test_by_hand_the_gradients_are_those_worked_out_on_paper() -> None:
    x, scores = np.array([[2.0], [0.0]]), np.zeros((1, 2))
    _, (weights, bias) = by_hand([scores, np.zeros(2)], x, np.array([0, 1]))  # softmax is (½, ½) for both
    agree("W̄", weights, [[-0.5, 0.5]], tolerance=1e-12, equation="(13)")
    agree("b̄", bias, [0, 0], tolerance=1e-12, equation="(13)")
    hidden = [np.array([[1.0]]), np.zeros(1), np.array([[1.0, -1.0]]), np.zeros(2)]
    _, gradients = by_hand(hidden, np.array([[0.0]]), np.array([0]))  # tanh 0 = 0, its slope is 1
    agree("b̄ of the hidden layer", gradients[1], [-1], tolerance=1e-12, equation="(13)")


def test_the_step_goes_downhill_in_place() -> None:
    model = TapeNetwork(ModelConfig(hidden=(), learning_rate=0.5, comparison=None), 1, 2)
    for parameter in model.layers:
        parameter.zero_()
    model.training_step((torch.tensor([[2.0]]), torch.tensor([0])), {})
    agree("the weights", model.layers[0], [[0.5, -0.5]], tolerance=1e-12, equation="(6)")
    agree("the bias", model.layers[1], [0.25, -0.25], tolerance=1e-12, equation="(6)")
