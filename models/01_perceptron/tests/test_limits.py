"""What no perceptron can do: exact counts and impossibilities."""

import itertools

import numpy as np
import torch
from scipy.optimize import linprog

from config import ModelConfig
from model import Perceptron
from tests.support.agreement import agree

POINTS = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


def boolean(truth_table: int) -> torch.Tensor:
    return torch.tensor([truth_table >> i & 1 for i in range(4)])


def accuracy(model: Perceptron, targets: torch.Tensor) -> float:
    predictions = model.evaluation_step((POINTS, targets))["predictions"]
    return float((predictions == targets).double().mean())


def untrained() -> Perceptron:
    return Perceptron(ModelConfig(learning_rate=1.0, margin_iterations=0), 2)


def learns(truth_table: int, order: list[int]) -> bool:
    """Whether all four answers are right after 52 epochs, which suffice: the bound is at most 51 mistakes."""
    model, targets = untrained(), boolean(truth_table)
    for _ in range(52):
        if model.training_step((POINTS[order], targets[order]), {})["mistakes"] == 0:
            break  # nothing will change again
    return accuracy(model, targets) == 1.0


def test_fourteen_of_the_sixteen_boolean_functions_are_learned_in_any_order() -> None:
    for order in itertools.islice(itertools.permutations(range(4)), 0, None, 4):
        assert [table for table in range(16) if not learns(table, list(order))] == [6, 9]


def test_xor_never_gets_more_than_three_points_at_any_moment_of_learning() -> None:
    model, targets, generator = untrained(), boolean(6), torch.Generator().manual_seed(0)
    for point in torch.randint(4, (500,), generator=generator).tolist():
        model.training_step((POINTS[[point]], targets[[point]]), {})
        assert accuracy(model, targets) <= 0.75


def test_no_line_of_a_dense_set_gets_all_four_points_of_xor() -> None:
    angles = np.linspace(0, 2 * np.pi, 361)[:, None, None]
    offsets = np.linspace(-2, 2, 401)[None, :, None]
    heights = np.cos(angles) * POINTS[:, 0].numpy() + np.sin(angles) * POINTS[:, 1].numpy() + offsets
    correct = ((heights > 0) == (boolean(6).numpy() == 1)).mean(axis=-1)
    assert correct.max() == 0.75


def separable(inputs: np.ndarray, targets: np.ndarray) -> bool:
    """Whether some (w, b) has t (w·x + b) >= 1 everywhere, decided by a linear program."""
    signs = 2 * targets - 1
    constraints = -signs[:, None] * np.c_[inputs, np.ones(len(inputs))]
    program = linprog(np.zeros(inputs.shape[1] + 1), constraints, -np.ones(len(inputs)), bounds=(None, None))
    assert program.status in (0, 2), program.message  # solved, or proved infeasible
    return bool(program.status == 0)


def test_a_linear_program_agrees_that_two_boolean_functions_are_out_of_reach() -> None:
    for table in range(16):
        reachable = separable(POINTS.numpy(), boolean(table).numpy())
        learned = learns(table, [0, 1, 2, 3])
        agree("whether a Boolean function is learned", learned, reachable, tolerance=0, against="a linear program")
        assert reachable == (table not in (6, 9))
