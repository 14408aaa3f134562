"""What grades an exercise: each part alone, on numbers that fit on paper or against a loop that cannot be wrong."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from modern import softmax_energy, softmax_update
from tests.support.agreement import agree

Make = Callable[..., Any]

# Section 4 of the deep dive: two patterns in four units.
TWO = torch.tensor([[1.0, 1, -1, -1], [1.0, -1, 1, -1]])
WEIGHTS = torch.tensor([[0.0, 0, 0, -0.5], [0, 0, -0.5, 0], [0, -0.5, 0, 0], [-0.5, 0, 0, 0]])
LOOSE = torch.tensor([[0.0, 0.5, -1, 2], [0.5, 0, 0, 1], [-1, 0, 0, 0.25], [2, 1, 0.25, 0]])


def with_weights(blank: Make, weights: Tensor) -> Any:
    model = blank(len(weights))
    model.weights.copy_(weights)
    return model


def test_hebbs_rule_adds_the_products_of_units_over_n(blank: Make) -> None:
    model = blank(4)
    model.store_hebbian(TWO)
    agree("the weights", model.weights, WEIGHTS, tolerance=1e-6, equation="(1)")


def test_hebbs_rule_adds_to_what_is_stored_already(blank: Make, signs: Make) -> None:
    patterns, model = signs(7, 12), blank(12)
    for part in patterns.split(3):
        model.store_hebbian(part)
    wanted = torch.zeros(12, 12)
    for pattern in patterns:
        for i in range(12):
            for j in range(12):
                wanted[i, j] += 0 if i == j else pattern[i] * pattern[j] / 12
    agree("the weights after three batches", model.weights, wanted, tolerance=1e-6, equation="(1)")


def test_the_field_is_the_weighted_sum_of_the_other_units(blank: Make) -> None:
    model = with_weights(blank, LOOSE)
    agree("the fields of two states", model.field(TWO), TWO @ LOOSE, tolerance=1e-6, equation="(2)")
    agree("the field of unit 3", model.field(TWO, 3), [2.75, 1.25], tolerance=1e-6, equation="(2)")


def test_the_energy_counts_every_pair_of_units_once(blank: Make) -> None:
    model = with_weights(blank, LOOSE)
    pairs = [-sum(float(LOOSE[i, j] * s[i] * s[j]) for i in range(4) for j in range(i)) for s in TWO]
    agree("the energies of two states", model.energy(TWO), pairs, tolerance=1e-6, equation="(3)")


def test_a_sweep_updates_one_unit_after_the_other(blank: Make) -> None:
    model = with_weights(blank, torch.tensor([[0.0, 1], [1, 0]]))
    states = torch.tensor([[1.0, -1]])
    agree("unit 0 first", model.sweep(states, torch.tensor([0, 1])), [[-1, -1]], tolerance=0, equation="(4)")
    agree("unit 1 first", model.sweep(states, torch.tensor([1, 0])), [[1, 1]], tolerance=0, equation="(4)")
    agree("the states given", states, [[1, -1]], tolerance=0)


def test_a_unit_without_a_field_stays_in_a_sweep(blank: Make) -> None:
    model = with_weights(blank, torch.zeros(4, 4))
    agree("states without weights", model.sweep(TWO, torch.arange(4)), TWO, tolerance=0, equation="(4)")


def test_a_leap_updates_all_units_from_the_same_fields(blank: Make) -> None:
    model = with_weights(blank, torch.tensor([[0.0, 1], [1, 0]]))
    agree("both units", model.leap(torch.tensor([[1.0, -1]])), [[-1, 1]], tolerance=0, equation="(4)")
    model = with_weights(blank, torch.zeros(4, 4))
    agree("states without weights", model.leap(TWO), TWO, tolerance=0, equation="(4)")


def test_the_projection_keeps_every_pattern_as_it_is(blank: Make, signs: Make) -> None:
    patterns, model = signs(5, 12), blank(12)
    for pattern in patterns:
        model.store_projection(pattern)
    agree("W ξ", patterns @ model.weights, patterns, tolerance=1e-5, equation="(5)")
    agree("W W, of a projection", model.weights @ model.weights, model.weights, tolerance=1e-5, equation="(5)")


def test_the_projection_learns_nothing_from_what_it_knows(blank: Make) -> None:
    model = blank(4)
    for pattern in (TWO[0], TWO[1], -TWO[0], TWO[1]):
        model.store_projection(pattern)
    agree("the weights", model.weights, TWO.T @ TWO / 4, tolerance=1e-6, equation="(5)")


def test_a_softmax_update_moves_to_the_weighted_mean_of_the_patterns() -> None:
    states = torch.tensor([[1.0, 0.5, 0, -1]])
    similarities = [0.5 * float(states[0] @ pattern) for pattern in TWO]  # β = 1/2
    shares = [math.exp(z) / sum(map(math.exp, similarities)) for z in similarities]
    wanted = [[shares[0] * float(TWO[0, i]) + shares[1] * float(TWO[1, i]) for i in range(4)]]
    agree("the new state", softmax_update(states, TWO, 0.5), wanted, tolerance=1e-6, equation="(7)")


def test_a_softmax_update_does_not_overflow(signs: Make) -> None:
    patterns = signs(3, 100)
    agree("a sharp recall", softmax_update(patterns, patterns, 50.0), patterns, tolerance=1e-6, equation="(7)")


def test_the_softmax_energy_is_that_of_its_definition() -> None:
    state = torch.tensor([[1.0, 0.5, 0, -1]])
    lse = math.log(sum(math.exp(0.5 * float(state[0] @ pattern)) for pattern in TWO)) / 0.5
    wanted = -lse + (1 + 0.25 + 1) / 2 + math.log(2) / 0.5 + 4 / 2
    agree("the energy", softmax_energy(state, TWO, 0.5), [wanted], tolerance=1e-5, equation="(8)")
