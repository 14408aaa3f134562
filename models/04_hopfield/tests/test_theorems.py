"""What holds for every network: on random ones, and on all states of small ones."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from modern import softmax_energy, softmax_update

Make = Callable[..., Any]
STORAGES = ("hebbian", "pseudo_inverse")
seeds = st.integers(0, 10**6)


@pytest.mark.usefixtures("shapes_unchecked")
@given(seeds, st.integers(2, 20), st.integers(1, 30), st.sampled_from(STORAGES))
@settings(max_examples=20)
def test_no_single_update_raises_the_energy(
    network: Make, signs: Make, seed: int, units: int, n: int, storage: str
) -> None:
    model = network(signs(n, units, seed), storage=storage)
    states = signs(8, units, seed + 1)
    for sweep in range(2):
        for unit in model.units(sweep):
            before, states = states, model.sweep(states, unit[None])
            rise = model.energy(states.double()) - model.energy(before.double())
            assert rise.max() <= (1e-9 if storage == "hebbian" else 1e-4)
            changed = (states != before).any(dim=1)
            assert (rise[changed] < 0).all()


@pytest.mark.usefixtures("shapes_unchecked")
@given(seeds, st.integers(2, 20), st.integers(1, 20))
@settings(max_examples=15)
def test_asynchronous_recall_comes_to_rest_and_synchronous_recall_in_two_states_at_most(
    network: Make, signs: Make, seed: int, units: int, n: int
) -> None:
    patterns = signs(n, units, seed)
    for order, cycles in (("asynchronous", False), ("synchronous", True)):
        found = network(patterns, order=order, flipped=0.5, probes=3, sweeps=200).evaluation_step(
            (patterns, torch.arange(n))
        )
        assert float(found["wandering"]) == 0
        assert cycles or float(found["cycling"]) == 0


def test_two_units_that_want_to_agree_change_places_for_ever(network: Make) -> None:
    model = network(torch.tensor([[1.0, 1.0]]), order="synchronous", sweeps=4)
    apart = torch.tensor([[1.0, -1.0]])
    assert [states.tolist()[0] for states in model.recall(apart)] == [[1, -1], [-1, 1], [1, -1], [-1, 1], [1, -1]]


@pytest.mark.usefixtures("shapes_unchecked")
@given(seeds, st.integers(2, 20), st.integers(1, 20))
@settings(max_examples=15)
def test_with_its_self_connections_a_projection_never_cycles(
    network: Make, signs: Make, seed: int, units: int, n: int
) -> None:
    patterns = signs(n, units, seed)
    model = network(patterns, storage="pseudo_inverse", order="synchronous", flipped=0.5, probes=3)
    assert float(model.evaluation_step((patterns, torch.arange(n)))["cycling"]) == 0


@given(seeds, st.integers(2, 40), st.integers(1, 12))
@settings(max_examples=15)
def test_a_state_and_its_negative_are_stable_together(
    network: Make, signs: Make, seed: int, units: int, n: int
) -> None:
    model, states = network(signs(n, units, seed)), signs(10, units, seed + 1)
    assert torch.equal(model.leap(-states), -model.leap(states))
    order = model.units(0)
    assert torch.equal(model.sweep(-states, order), -model.sweep(states, order))


@pytest.mark.usefixtures("shapes_unchecked")
@given(seeds, st.integers(1, 15))
@settings(max_examples=15)
def test_the_projection_leaves_independent_patterns_as_they_are(network: Make, signs: Make, seed: int, n: int) -> None:
    patterns = signs(n, 40, seed)  # fifteen random patterns of 40 units are never dependent in practice
    assert torch.linalg.matrix_rank(patterns) == n
    assert network(patterns, storage="pseudo_inverse").measures()["stable"] == 1


@given(seeds, st.integers(1, 20), st.floats(0.01, 5))
@settings(max_examples=30)
def test_a_softmax_update_never_raises_its_energy(seed: int, n: int, beta: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    patterns = torch.randn(n, 12, generator=generator, dtype=torch.float64)
    states = 2 * torch.randn(5, 12, generator=generator, dtype=torch.float64)
    for _ in range(5):
        before, states = states, softmax_update(states, patterns, beta)
        rise = softmax_energy(states, patterns, beta) - softmax_energy(before, patterns, beta)
        assert rise.max() < 1e-9
        assert softmax_energy(states, patterns, beta).min() > -1e-9  # it is bounded from below


@pytest.mark.parametrize("storage", STORAGES)
def test_the_gradient_of_the_energy_is_minus_the_field(network: Make, signs: Make, storage: str) -> None:
    """Gradient oracle: central differences in float64. A quadratic form is differentiated exactly."""
    model = network(signs(4, 10), storage=storage)
    state, h = signs(1, 10, seed=1).double(), 1e-3
    slopes = []
    for unit in range(10):
        step = torch.zeros(1, 10, dtype=torch.float64)
        step[0, unit] = h
        slopes.append((model.energy(state + step) - model.energy(state - step)) / (2 * h))
    torch.testing.assert_close(torch.cat(slopes).float(), -model.field(state.float())[0], atol=1e-5, rtol=0)
