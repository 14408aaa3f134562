"""Parity: every operation against central differences and torch, and the network three times over."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import operations
from config import ModelConfig
from gradient_check import CASES, gradient_error
from model import TapeNetwork
from networks import by_hand, by_tape, by_torch
from serving import computation
from tape import Variable
from tests.support.agreement import agree

THE_SAME = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "negate": lambda a: -a,
    "power": lambda a: a**3,
    "matmul": lambda a, b: a @ b,
    "exp": torch.exp,
    "log": torch.log,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
    "absolute": torch.abs,
    "sqrt": torch.sqrt,
    "sum": lambda a: a.sum(0),
    "mean": lambda a: a.mean(1),
    "maximum": lambda a: a.amax(1),
    "logsumexp": lambda a: a.logsumexp(1),
    "reshape": lambda a: a.reshape(3, 2),
    "transpose": lambda a: a.T,
    "pick": lambda a: a[torch.arange(2), torch.tensor([2, 0])],
    "concatenate": lambda a, b: torch.cat([a, b], 1),
}


def test_there_are_some_twenty_operations_and_each_is_compared() -> None:
    assert set(THE_SAME) == set(CASES)
    assert len(CASES) >= 20


@pytest.mark.parametrize("operation", CASES)
def test_the_gradient_is_that_of_central_differences(operation: str) -> None:
    function, operands = CASES[operation]
    against = "central differences"
    agree("gradients of operations", gradient_error(function, operands), 0, tolerance=1e-7, against=against)


@pytest.mark.parametrize("operation", CASES)
def test_result_and_gradients_are_those_of_torch(operation: str) -> None:
    function, operands = CASES[operation]
    leaves = [Variable(operand) for operand in operands]
    result = function(*leaves)
    weights = np.random.default_rng(0).standard_normal(result.shape)
    operations.total(result * weights).backward()
    theirs = [torch.tensor(operand, requires_grad=True) for operand in operands]
    known = THE_SAME[operation](*theirs)
    agree("results of operations", result.data, known, tolerance=1e-12, against="torch")
    for leaf, gradient in zip(leaves, torch.autograd.grad((known * torch.tensor(weights)).sum(), theirs), strict=True):
        agree("gradients of operations", leaf.gradient, gradient, tolerance=1e-12, against="torch autograd")


@pytest.mark.parametrize("operation", ["sum", "mean", "maximum", "logsumexp"])
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_reductions_over_any_axis_have_the_gradient_of_central_differences(operation: str, axis: int | None) -> None:
    reduce = {"sum": operations.total}.get(operation) or getattr(operations, operation)
    x = np.array([[-1.2, 0.3, 2.1], [0.7, -0.4, -1.9]])
    agree("gradients of reductions", gradient_error(lambda a: reduce(a, axis), [x]), 0, tolerance=1e-7)


@given(st.integers(0, 10**6), st.integers(1, 12), st.lists(st.integers(1, 6), max_size=3), st.integers(2, 4))
@settings(max_examples=50)
def test_tape_hand_and_torch_give_the_same_network(seed: int, n: int, hidden: list[int], classes: int) -> None:
    random = np.random.default_rng(seed)
    sizes = [3, *hidden, classes]
    parameters = []
    for inputs, outputs in pairwise(sizes):
        parameters += [random.standard_normal((inputs, outputs)), random.standard_normal(outputs)]
    batch = random.standard_normal((n, 3)), random.integers(0, classes, n)
    (loss, gradients), torchs, hands = (method(parameters, *batch) for method in (by_tape, by_torch, by_hand))
    for known, against in ((torchs, "torch autograd"), (hands, "the closed form")):
        agree("the loss of a network", loss, known[0], tolerance=1e-9, equation="(11)", against=against)
        ours, theirs = (np.concatenate([each.ravel() for each in found]) for found in (gradients, known[1]))
        agree("the gradients of a network", ours, theirs, tolerance=1e-9, equation="(3)", against=against)


def test_the_tape_that_is_shown_has_the_gradients_of_torch() -> None:
    model = TapeNetwork(ModelConfig(hidden=(3,), learning_rate=0.1, comparison=None), 2, 2)
    x = torch.tensor([[0.3, 0.8]])
    classes = model.evaluation_step((x, torch.zeros(1, dtype=torch.int64)))["predictions"]
    _, gradients = by_torch(model.arrays(), x.double().numpy(), classes.numpy())
    shown = computation(model, x)
    leaves = [name.split("\n")[-1] for name in shown["nodes"] if name.startswith("leaf")]
    assert {f"∂ {np.abs(gradient).max():.2g}" for gradient in gradients} <= set(leaves)
    assert len(leaves) == 1 + len(gradients)  # the input has one too
    assert shown["nodes"][-1] == "mean\nnumber\n∂ 1"
    assert all(source < node for source, node in shown["edges"])
