"""Batches: the order is a pure function of (seed, epoch), whoever reads the data and wherever the reading starts."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils.data import Dataset

from data_utils import batches
from data_utils.batches import Batches, count, epoch_order, in_order
from data_utils.splits import TensorSplit
from utils.seeds import random_state

CPU = torch.device("cpu")
N = st.integers(1, 60)
SIZES = st.integers(1, 70)
SEEDS = st.integers(0, 2**32 - 1)
EPOCHS = st.integers(0, 1000)
# Newer Pythons warn that a fork of a process with threads may hang; torch's workers are forked all the same.
forks = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


class Augmented(Dataset[Any]):
    """Examples whose number is the first of their inputs; the rest is drawn from every global generator."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return torch.tensor([index, torch.rand(()), random.random(), np.random.rand()]), torch.tensor(index)


def numbered(n: int) -> TensorSplit:
    return TensorSplit(torch.arange(n, dtype=torch.float32)[:, None].expand(n, 3).contiguous(), torch.arange(n))


def read(data: Any, size: int, seed: int, epoch: int, start: int = 0, workers: int = 0) -> list[tuple[Tensor, ...]]:
    return list(Batches(data, size, seed, CPU, workers).epoch(epoch, start))


def order(read: list[tuple[Tensor, ...]]) -> list[int]:
    return [index for _, targets in read for index in targets.tolist()]


def equal(a: list[tuple[Tensor, ...]], b: list[tuple[Tensor, ...]]) -> bool:
    return len(a) == len(b) and all(
        torch.equal(p, q) for one, other in zip(a, b, strict=True) for p, q in zip(one, other, strict=True)
    )


# ---- order ---------------------------------------------------------------------------------------------------------


@given(n=N, size=SIZES, seed=SEEDS, epoch=EPOCHS)
def test_every_example_comes_once_an_epoch_with_its_own_target(n: int, size: int, seed: int, epoch: int) -> None:
    found = read(numbered(n), size, seed, epoch)
    assert sorted(order(found)) == list(range(n))
    assert all(torch.equal(inputs[:, 0].long(), targets) for inputs, targets in found)


@given(n=N, size=SIZES, seed=SEEDS, epoch=EPOCHS)
def test_every_batch_is_full_but_the_last(n: int, size: int, seed: int, epoch: int) -> None:
    made = Batches(numbered(n), size, seed, CPU, 0)
    lengths = [len(targets) for _, targets in made.epoch(epoch)]
    assert len(lengths) == len(made)
    assert lengths == [size] * (n // size) + [n % size] * (n % size > 0)


@given(n=N, sizes=st.tuples(SIZES, SIZES), seed=SEEDS, epoch=EPOCHS)
def test_the_order_does_not_depend_on_the_batch_size(n: int, sizes: tuple[int, int], seed: int, epoch: int) -> None:
    assert order(read(numbered(n), sizes[0], seed, epoch)) == order(read(numbered(n), sizes[1], seed, epoch))


@given(n=N, size=SIZES, seed=SEEDS, epoch=EPOCHS, start=st.integers(0, 60))
def test_to_start_later_is_to_skip(n: int, size: int, seed: int, epoch: int, start: int) -> None:
    assert equal(read(numbered(n), size, seed, epoch, start), read(numbered(n), size, seed, epoch)[start:])


@settings(max_examples=30)
@given(n=N, size=SIZES, seed=SEEDS, epoch=EPOCHS, start=st.integers(0, 5))
def test_a_dataset_is_read_in_the_order_of_data_in_memory(n: int, size: int, seed: int, epoch: int, start: int) -> None:
    in_memory, loaded = (read(data, size, seed, epoch, start) for data in (numbered(n), Augmented(n)))
    assert [targets.tolist() for _, targets in loaded] == [targets.tolist() for _, targets in in_memory]


@given(n=N, size=SIZES, seed=SEEDS, block=st.integers(1, 2000))
def test_it_does_not_matter_how_much_is_gathered_at_a_time(n: int, size: int, seed: int, block: int) -> None:
    whole = read(numbered(n), size, seed, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "_BLOCK_BYTES", block)
        assert equal(read(numbered(n), size, seed, 0), whole)


def test_every_seed_and_every_epoch_has_an_order_of_its_own() -> None:
    orders = {tuple(epoch_order(20, seed, epoch).tolist()) for seed in range(5) for epoch in range(5)}
    assert len(orders) == 25


def test_the_order_is_the_same_on_every_machine() -> None:
    """A change here would change every run that was ever made."""
    assert epoch_order(8, seed=0, epoch=0).tolist() == [7, 5, 6, 0, 3, 4, 1, 2]


def test_reading_does_not_touch_the_data() -> None:
    data = numbered(10)
    before = data.inputs.clone()
    for inputs, _ in Batches(data, 3, 0, CPU, 0).epoch(0):
        inputs.zero_()
    assert torch.equal(data.inputs, before)


# ---- augmentation --------------------------------------------------------------------------------------------------


@forks
def test_augmentation_does_not_depend_on_the_workers() -> None:
    alone = read(Augmented(11), 3, seed=5, epoch=2)
    assert equal(read(Augmented(11), 3, seed=5, epoch=2, workers=2), alone)
    assert equal(read(Augmented(11), 3, seed=5, epoch=2, workers=1), alone)


@forks
@pytest.mark.parametrize("workers", [0, 2])
def test_augmentation_is_the_same_after_a_seek(workers: int) -> None:
    assert equal(read(Augmented(11), 3, 5, 2, start=2, workers=workers), read(Augmented(11), 3, 5, 2)[2:])


@given(seed=SEEDS, epoch=EPOCHS, sizes=st.tuples(SIZES, SIZES))
def test_augmentation_depends_on_seed_epoch_and_example_alone(seed: int, epoch: int, sizes: tuple[int, int]) -> None:
    one, other = (torch.cat([inputs for inputs, _ in read(Augmented(7), size, seed, epoch)]).tolist() for size in sizes)
    assert one == other


def test_every_epoch_and_every_example_is_augmented_anew() -> None:
    inputs = torch.cat([inputs for epoch in range(3) for inputs, _ in read(Augmented(5), 5, 0, epoch)])
    assert all(len(set(draws)) == 15 for draws in inputs[:, 1:].T.tolist())


# ---- workers -------------------------------------------------------------------------------------------------------


@forks
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_workers_leave_signals_to_the_process_that_started_them(number: int) -> None:
    batches = Batches(Augmented(30), 2, 0, CPU, workers=2).epoch(0)
    found = [next(batches)]
    for worker in multiprocessing.active_children():
        assert worker.pid is not None
        os.kill(worker.pid, number)
    assert equal(found + list(batches), read(Augmented(30), 2, 0, 0))
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()  # this process hears them as ever


@forks
def test_workers_end_when_the_steps_are_closed() -> None:
    steps = Batches(Augmented(30), 2, 0, CPU, workers=2).steps(0, 0, accumulate=1)
    next(steps)
    assert len(multiprocessing.active_children()) == 2
    steps.close()
    assert multiprocessing.active_children() == []


def test_workers_that_nobody_ends_do_not_keep_the_process_from_ending() -> None:
    program = """
import torch
from data_utils.batches import Batches
data = [(torch.zeros(1),)] * 30
reading = Batches(data, 2, 0, torch.device("cpu"), workers=2).epoch(0)
next(reading)
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], timeout=60, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


# ---- several ranks -------------------------------------------------------------------------------------------------


@given(n=N, size=SIZES, seed=SEEDS, epoch=EPOCHS, ranks=st.integers(1, 9), data=st.data())
def test_the_shares_of_any_number_of_ranks_make_up_the_same_batches(
    n: int, size: int, seed: int, epoch: int, ranks: int, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, -(-n // size)))
    whole = Batches(numbered(n), size, seed, CPU, 0).epoch(epoch, start)
    shares = [Batches(numbered(n), size, seed, CPU, 0, rank, ranks).epoch(epoch, start) for rank in range(ranks)]
    for batch, *parts in zip(whole, *shares, strict=True):
        together = [part[: count(share)] for share in parts for part in [share[1]]]
        assert torch.cat(together).tolist() == batch[1].tolist()
        assert {len(share[0]) for share in parts} <= {max(1, count(share)) for share in parts}  # one that counts for 0
        assert max(map(count, parts)) - min(map(count, parts)) <= 1


@forks
@pytest.mark.parametrize("workers", [0, 2])
def test_workers_read_the_shares_that_lie_in_memory_otherwise(workers: int) -> None:
    for rank in range(3):
        loaded = list(Batches(Augmented(10), 4, 0, CPU, workers, rank, 3).epoch(1))
        in_memory = list(Batches(numbered(10), 4, 0, CPU, 0, rank, 3).epoch(1))
        assert [targets.tolist() for _, targets in loaded] == [targets.tolist() for _, targets in in_memory]
        assert [count(share) for share in loaded] == [count(share) for share in in_memory]


@forks
@pytest.mark.parametrize("workers", [0, 2])
def test_the_training_draws_as_if_no_data_were_read(workers: int) -> None:
    def state() -> Any:
        return {name: repr(value) for name, value in random_state().items()}

    before = state()
    for _ in Batches(Augmented(5), 2, 0, CPU, workers).epoch(0):
        assert state() == before
    assert state() == before


def test_the_generators_of_accelerators_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> None:
        raise AssertionError("an accelerator was seeded")

    monkeypatch.setattr(torch.cuda, "manual_seed_all", refuse)
    assert len(read(Augmented(3), 2, 0, 0)) == 2


def test_an_example_that_cannot_be_read_leaves_the_draws_alone() -> None:
    class Broken(Augmented):
        def __getitem__(self, index: int) -> Any:
            torch.rand(3)
            raise ValueError(f"example {index} is broken")

    before = torch.get_rng_state()
    with pytest.raises(ValueError, match="is broken"):
        read(Broken(3), 2, 0, 0)
    assert torch.equal(torch.get_rng_state(), before)


# ---- evaluation ----------------------------------------------------------------------------------------------------


@given(n=N, size=SIZES)
@pytest.mark.parametrize("kind", [numbered, Augmented])
def test_an_evaluation_reads_every_example_once_in_order(kind: Any, n: int, size: int) -> None:
    found = list(in_order(kind(n), size, CPU))
    assert order(found) == list(range(n))
    assert all(len(targets) == size for _, targets in found[:-1])


# ---- to resume is to seek ------------------------------------------------------------------------------------------


class Counted(Augmented):
    """Notes which examples were read."""

    def __init__(self, n: int) -> None:
        super().__init__(n)
        self.read: list[int] = []

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        self.read.append(index)
        return super().__getitem__(index)


def test_resuming_reads_no_example_before_the_position() -> None:
    data = Counted(1000)
    steps = Batches(data, 7, 0, CPU, workers=0).steps(epoch=3, step=100, accumulate=1)
    next(steps)
    assert data.read == epoch_order(1000, 0, 3)[700:707].tolist()


@pytest.mark.parametrize("in_memory", [True, False])
def test_resuming_computes_the_order_of_one_epoch_only(monkeypatch: pytest.MonkeyPatch, in_memory: bool) -> None:
    computed: list[int] = []

    def noted(n: int, seed: int, epoch: int) -> Tensor:
        computed.append(epoch)
        return epoch_order(n, seed, epoch)

    monkeypatch.setattr(batches, "epoch_order", noted)
    data = TensorSplit(torch.arange(1000.0)[:, None], torch.arange(1000)) if in_memory else Counted(1000)
    next(Batches(data, 7, 0, CPU, workers=0).steps(epoch=6993, step=1, accumulate=1))  # step 1,000,000 of 143 an epoch
    assert computed == [6993]


def test_resuming_gathers_nothing_that_comes_before_the_position(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "_BLOCK_BYTES", 7 * 12)  # one batch: a number of 4 bytes and a target of 8
    data = TensorSplit(torch.arange(1000.0)[:, None], torch.arange(1000))
    inputs, targets = next(Batches(data, 7, 0, CPU, workers=0).steps(epoch=3, step=100, accumulate=1))[0]
    assert targets.tolist() == inputs[:, 0].tolist() == epoch_order(1000, 0, 3)[700:707].tolist()
    assert len(inputs.untyped_storage()) == 7 * 4


# ---- cost ----------------------------------------------------------------------------------------------------------


def test_data_in_memory_never_meets_a_data_loader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "DataLoader", None)
    assert sorted(order(read(numbered(50), 7, seed=0, epoch=0))) == list(range(50))
    assert order(list(in_order(numbered(50), 7, CPU))) == list(range(50))


def test_batches_of_data_in_memory_are_views_of_what_was_gathered_at_once() -> None:
    found = read(numbered(50), 7, seed=0, epoch=0)
    for part in range(2):
        assert len({batch[part].untyped_storage().data_ptr() for batch in found}) == 1
