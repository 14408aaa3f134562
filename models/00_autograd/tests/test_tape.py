"""What the tape promises besides numbers."""

import numpy as np
import pytest
import torch

from comparison import costs, formula, largest_difference
from config import Comparison, ModelConfig
from graph import graph_of
from model import TapeNetwork
from operations import concatenate, exp, log, maximum, sigmoid, total
from tape import Variable, in_order, variable
from tests.support.agreement import agree


def test_a_graph_is_released_with_its_outcome() -> None:
    import gc
    import weakref

    gc.disable()  # reference counts alone must do
    try:
        x = Variable([1.0, 2.0])
        middle = exp(x)
        seen = weakref.ref(middle)
        y = total(middle * middle)
        y.backward()
        del middle, y
        assert seen() is None
    finally:
        gc.enable()


def test_backward_needs_one_number_to_start_from() -> None:
    with pytest.raises(ValueError, match=r"one number, and this variable has shape \(2,\)"):
        Variable([1.0, 2.0]).backward()


def test_only_matrices_are_multiplied_as_matrices() -> None:
    with pytest.raises(ValueError, match=r"shapes \(2,\) and \(2,\)"):
        Variable([1.0, 2.0]) @ Variable([1.0, 2.0])


def test_numbers_and_arrays_take_part_from_either_side() -> None:
    x = Variable([1.0, 2.0])
    for made in (1.0 - x, np.array([1.0, 1.0]) - x, variable(1.0) - x):
        agree("the difference", made.data, [0, -1], tolerance=0)
    agree("the quotient", (2.0 / x).data, [2, 1], tolerance=0)
    agree("the product", (np.array([3.0, 4.0]) * x).data, [3, 8], tolerance=0)
    agree("the sum", (1.0 + x).data, [2, 3], tolerance=0)


def test_equal_largest_ones_share_the_gradient() -> None:
    x = Variable([1.0, 3.0, 3.0])
    maximum(x).backward()
    agree("the gradient", x.gradient, [0, 0.5, 0.5], tolerance=0)


def test_a_large_score_does_not_overflow() -> None:
    with np.errstate(all="raise"):
        agree("the sigmoid", sigmoid(Variable([-800.0, 800.0])).data, [0, 1], tolerance=1e-12)


def test_a_tape_longer_than_the_stack_goes_back() -> None:
    x = Variable(1.0)
    y = x
    for _ in range(5000):
        y = y * 1.0
    y.backward()
    agree("the gradient", x.gradient, 1, tolerance=0)


def test_what_does_not_matter_gets_no_gradient() -> None:
    x, aside = Variable(2.0), Variable(3.0)
    log(x).backward()
    assert aside.gradient is None


def test_joined_parts_get_their_own_gradients_back() -> None:
    a, b = Variable([[1.0], [2.0]]), Variable([[3.0, 4.0], [5.0, 6.0]])
    total(concatenate([a, b], axis=1) * np.arange(6.0).reshape(2, 3)).backward()
    agree("the gradient of the first", a.gradient, [[0], [3]], tolerance=0)
    agree("the gradient of the second", b.gradient, [[1, 2], [4, 5]], tolerance=0)


def network(*hidden: int, examples: int = 4) -> TapeNetwork:
    comparison = Comparison(examples=examples, repeats=1, depths=(1, 2))
    model = TapeNetwork(ModelConfig(hidden=hidden, learning_rate=0.1, comparison=comparison), 2, 3)
    model.compare_on(torch.randn(10, 2), torch.arange(10) % 3)
    return model


@pytest.mark.parametrize("hidden", [(), (5,), (4, 7, 2)])
def test_the_numbers_on_the_tape_are_those_counted_on_paper(hidden: tuple[int, ...]) -> None:
    measured = network(*hidden).measures()
    assert measured["tape_numbers"] == measured["numbers_by_formula"] == formula(4, [*hidden, 3])
    assert measured["tape_variables"] == 3 * len(hidden) + 2 + 4


def test_the_graph_of_a_network_names_every_operation() -> None:
    model = network(2)
    nodes, edges = model.plot_data()["nodes"], model.plot_data()["edges"]
    assert len(nodes) == 5 + 9  # type: ignore[arg-type]
    assert nodes[-1] == "mean\nnumber"  # type: ignore[index]
    assert all(a < b for a, b in edges)  # type: ignore[attr-defined]


def test_a_graph_has_an_arrow_for_every_source() -> None:
    x = Variable(1.0)
    nodes, edges = graph_of(x * x + 1.0)
    assert nodes == ("leaf\nnumber", "leaf\nnumber", "multiply\nnumber", "add\nnumber") or len(nodes) == 4
    assert len(edges) == 4
    assert len(in_order(x * x + 1.0)) == 4


def test_learning_goes_downhill_and_a_checkpoint_holds_all_of_it() -> None:
    model, copy = network(8), network(8)
    batch = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), torch.tensor([0, 1, 1, 0])
    losses = [float(model.training_step(batch, {})["loss"]) for _ in range(50)]
    assert losses[-1] < losses[0]
    copy.load_state_dict(model.state_dict())
    assert float(copy.evaluation_step(batch)["loss"]) == float(model.evaluation_step(batch)["loss"])
    assert largest_difference(model.arrays(), batch[0].double().numpy(), batch[1].numpy()) < 1e-9


def test_the_time_of_each_is_measured() -> None:
    model = network(3)
    found = costs(model.arrays(), np.zeros((4, 2)), np.zeros(4, dtype=np.int64), repeats=3)
    assert found["time_over_hand"] > 0
    assert found["time_over_torch"] > 0
