"""Seeds: every draw repeats, wherever it is made."""

import os
import random
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from utils.seeds import derived_seed, generator, random_state, restore_random_state, seed_everything

POSITIONS = st.lists(st.integers() | st.text(), max_size=4)


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    state, mode = random_state(), torch.get_deterministic_debug_mode()
    yield
    restore_random_state(state)
    torch.set_deterministic_debug_mode(mode)
    os.environ.pop("CUBLAS_WORKSPACE_CONFIG", None)


def draws() -> tuple[float, ...]:
    gauss = random.gauss(0, 1), np.random.normal()  # both keep half of a pair for the next call
    return *gauss, random.random(), float(np.random.rand()), float(torch.rand(()))


def test_the_same_seed_gives_the_same_draws_everywhere() -> None:
    seed_everything(3)
    first = draws()
    seed_everything(3)
    assert draws() == first
    seed_everything(4)
    assert not set(draws()) & set(first)


def test_seeds_too_large_for_numpy_are_fine() -> None:
    seed_everything(2**62)


def test_kernels_are_asked_to_be_deterministic() -> None:
    seed_everything(0)
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.backends.cudnn.deterministic and not torch.backends.cudnn.benchmark
    assert not torch.backends.cudnn.allow_tf32  # nor fp32 with the digits of TF32
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


@given(before=st.integers(0, 5))
def test_every_generator_goes_on_from_a_saved_state(before: int) -> None:
    for _ in range(before):
        draws()
    state = random_state()
    first = [draws(), draws()]
    restore_random_state(state)
    assert [draws(), draws()] == first


def test_a_random_state_survives_a_checkpoint(tmp_path: object) -> None:
    torch.save(random_state(), f"{tmp_path}/state.pt")
    first = draws()
    restore_random_state(torch.load(f"{tmp_path}/state.pt", weights_only=True))
    assert draws() == first


@given(seed=st.integers(0, 2**32 - 1), position=POSITIONS)
def test_a_derived_seed_is_a_pure_function_that_fits_every_generator(seed: int, position: list[int | str]) -> None:
    assert derived_seed(seed, *position) == derived_seed(seed, *position)
    assert 0 <= derived_seed(seed, *position) < 2**63


@given(a=st.tuples(st.integers(), POSITIONS), b=st.tuples(st.integers(), POSITIONS))
def test_different_places_have_different_seeds(a: tuple[int, list[int | str]], b: tuple[int, list[int | str]]) -> None:
    if a != b:
        assert derived_seed(a[0], *a[1]) != derived_seed(b[0], *b[1])


def test_derived_seeds_are_the_same_on_every_machine() -> None:
    """A change here would change the order of the data in every run that was ever made."""
    assert derived_seed(0, "order", 0) == 3955691223199900983
    assert generator(0, "order", 0).initial_seed() == 3955691223199900983


def test_a_generator_leaves_the_global_draws_alone() -> None:
    state = torch.get_rng_state()
    torch.rand(3, generator=generator(0, "x"))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("used", [False, True])
def test_gpus_are_asked_for_their_state_only_where_they_are_used(monkeypatch: pytest.MonkeyPatch, used: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: used)
    monkeypatch.setattr(torch.cuda, "get_rng_state_all", lambda: [torch.tensor([5])])
    assert random_state().get("cuda") == ([torch.tensor([5])] if used else None)


@pytest.mark.parametrize("here", [0, 1, 2, 3])
def test_a_state_from_a_machine_with_other_gpus_is_restored_as_far_as_they_are_here(
    monkeypatch: pytest.MonkeyPatch, here: int
) -> None:
    restored: list[tuple[int, Tensor]] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: here > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: here)
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, device: restored.append((device, state)))
    saved = [torch.tensor([7]), torch.tensor([8])]
    restore_random_state({**random_state(), "cuda": saved})
    assert restored == list(enumerate(saved))[:here]
