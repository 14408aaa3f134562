"""Parity: energy, updates, recall and capacity against brute force in NumPy, and three references from libraries."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from modern import softmax_update
from tests.support.agreement import agree

Make = Callable[..., Any]
Array = np.ndarray[Any, np.dtype[np.int64]]

BRUTE_FORCE = "loops over whole numbers"


def products(patterns: Tensor) -> Array:
    """n times the weights: sums of products of units, in whole numbers, so that a tie is a tie."""
    n = patterns.shape[1]
    total = np.zeros((n, n), dtype=np.int64)
    for pattern in patterns.long().numpy():
        for i in range(n):
            for j in range(n):
                total[i, j] += pattern[i] * pattern[j] if i != j else 0
    return total


def pair_sum(weights: Array, state: Array) -> int:
    """-2n times the energy."""
    return sum(int(weights[i, j] * state[i] * state[j]) for i in range(len(state)) for j in range(len(state)))


def swept(weights: Array, state: Array, order: list[int]) -> Array:
    """One asynchronous sweep."""
    state = state.copy()
    for i in order:
        field = sum(int(weights[i, j] * state[j]) for j in range(len(state)))
        state[i] = state[i] if field == 0 else (1 if field > 0 else -1)
    return state


@pytest.mark.parametrize("seed", range(5))
def test_weights_energy_and_updates_are_those_of_loops(network: Make, signs: Make, seed: int) -> None:
    patterns, states = signs(3 + seed, 15, seed), signs(6, 15, seed + 100)
    model, weights = network(patterns), products(patterns)
    agree("the weights", model.weights, weights / 15, tolerance=1e-6, equation="(1)", against=BRUTE_FORCE)
    energies = [-pair_sum(weights, state) / 30 for state in states.long().numpy()]
    agree("the energies", model.energy(states), energies, tolerance=1e-5, equation="(3)", against=BRUTE_FORCE)
    order = torch.randperm(15, generator=torch.Generator().manual_seed(seed))
    one_by_one = [swept(weights, state, order.tolist()) for state in states.long().numpy()]
    agree("a sweep", model.sweep(states, order), one_by_one, tolerance=0, equation="(4)", against=BRUTE_FORCE)
    fields = states.long().numpy() @ weights
    at_once = np.where(fields == 0, states.long().numpy(), np.sign(fields))
    agree("a leap", model.leap(states), at_once, tolerance=0, equation="(4)", against=BRUTE_FORCE)


@pytest.mark.parametrize("seed", range(4))
def test_of_all_states_those_at_rest_are_those_that_no_single_flip_improves(
    network: Make, signs: Make, seed: int
) -> None:
    """All 2^10 states: a state is left alone by recall where no neighbour has less energy, and nowhere else."""
    patterns = signs(3, 10, seed)
    model, weights = network(patterns), products(patterns)
    every = np.array(list(product([-1, 1], repeat=10)))
    doubled = np.array([-pair_sum(weights, state) for state in every])
    number = {tuple(state): i for i, state in enumerate(every.tolist())}
    minima = []
    for i, state in enumerate(every.tolist()):
        neighbours = [number[(*state[:unit], -state[unit], *state[unit + 1 :])] for unit in range(10)]
        minima.append(all(doubled[j] >= doubled[i] for j in neighbours))
    states = torch.tensor(every, dtype=torch.float32)
    at_rest = (model.sweep(states, torch.arange(10)) == states).all(dim=1)
    assert 2 <= sum(minima) < len(every) / 10
    agree("the states at rest", at_rest, minima, tolerance=0, equation="(4)", against="all 1024 states and neighbours")
    *_, ends = model.recall(states)
    assert {number[tuple(end)] for end in ends.long().tolist()} == {i for i, is_one in enumerate(minima) if is_one}


def test_the_overlap_at_several_loads_is_that_of_loops(network: Make, signs: Make) -> None:
    for n in (2, 6, 12):
        patterns = signs(n, 40, seed=n)
        model, weights = network(patterns, sweeps=3), products(patterns)
        starts = [states.long().numpy() for states in next(model.recall(probes_of(model)))]
        found = []
        for state, pattern in zip(starts, patterns.long().numpy(), strict=True):
            for sweep in range(3):
                state = swept(weights, state, model.units(sweep).tolist())
            found.append(int(state @ pattern) / 40)
        overlap = model.evaluation_step((patterns, torch.arange(n)))["overlap"]
        agree("the overlap after recall", overlap, np.mean(found), tolerance=1e-6, against=BRUTE_FORCE)


def probes_of(model: Any) -> Tensor:
    """The states from which a network without plots to draw recalls its patterns."""
    return torch.from_numpy(model.plot_data()["corrupted"])


@pytest.mark.parametrize(("n", "units"), [(1, 5), (7, 30), (30, 60), (55, 60)])
def test_the_projection_is_that_of_the_pseudo_inverse(network: Make, signs: Make, n: int, units: int) -> None:
    patterns = signs(n, units, seed=n)
    wanted = np.linalg.pinv(patterns.double().numpy()) @ patterns.double().numpy()
    weights = network(patterns, storage="pseudo_inverse").weights
    agree("the weights", weights, wanted, tolerance=1e-4, equation="(5)", against="numpy.linalg.pinv")


def test_dependent_patterns_are_projected_on_as_well(network: Make, signs: Make) -> None:
    patterns = signs(6, 30)
    patterns[3], patterns[5] = -patterns[0], patterns[1]
    wanted = np.linalg.pinv(patterns.double().numpy()) @ patterns.double().numpy()
    weights = network(patterns, storage="pseudo_inverse").weights
    agree("the weights", weights, wanted, tolerance=1e-5, equation="(5)", against="numpy.linalg.pinv")


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("beta", [0.05, 0.125, 1.0])
def test_a_softmax_update_is_attention(seed: int, beta: float) -> None:
    """The states are the queries, the patterns both keys and values, β the scale: 1/√d with 64 units is 0.125."""
    generator = torch.Generator().manual_seed(seed)
    states, patterns = torch.randn(9, 64, generator=generator), torch.randn(20, 64, generator=generator)
    wanted = scaled_dot_product_attention(states[None], patterns[None], patterns[None], scale=beta)[0]
    name = "torch.nn.functional.scaled_dot_product_attention"
    agree(
        "the new states", softmax_update(states, patterns, beta), wanted, tolerance=1e-6, equation="(7)", against=name
    )
