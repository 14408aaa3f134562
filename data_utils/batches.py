"""The batches of a split, in an order that is a pure function of (seed, epoch) and nothing else.

Data that lies in memory never meets a DataLoader: an epoch is one permutation, gathered a block at a time, and a batch
is a view of the block. Any other `Dataset` is read by DataLoader workers in the same order. Both can start at any
batch of any epoch without reading what comes before it.
"""

import random
from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from data_utils.splits import TensorSplit
from data_utils.workers import reading
from utils.seeds import derived_seed, generator

Batch = tuple[Tensor, ...]

_BLOCK_BYTES = 32 * 2**20  # what one gather copies: large enough to amortise the call, small beside the data


class BatchShard(Batch):
    """The part of a batch that one of several ranks learns from: `n_local` of the `n_global` examples.

    A rank for which nothing is left (`n_local` is 0) holds one padding example, because every rank has to take part in
    every forward pass.
    """

    n_local: int
    n_global: int

    @classmethod
    def of(cls, parts: Iterable[Tensor], n_local: int, n_global: int) -> "BatchShard":
        """A shard with its counts."""
        shard = cls(parts)
        shard.n_local, shard.n_global = n_local, n_global
        return shard


def own_part(n: int, rank: int, ranks: int) -> slice:
    """Slice of `n` examples that `rank` gets: contiguous, in the order of ranks, sizes equal or one apart."""
    return slice(n * rank // ranks, n * (rank + 1) // ranks)


def shard_of(batch: Batch, rank: int, ranks: int) -> Batch:
    """The part of `batch` that is `rank`'s: a `BatchShard`, or the batch itself where there is one rank."""
    if ranks == 1:
        return batch
    n = len(batch[0])
    part = own_part(n, rank, ranks)
    own = part.stop - part.start
    return BatchShard.of((column[part] if own else column[:1] for column in batch), own, n)


def count(batch: Batch, axis: int = 0) -> int:
    """Number of examples in `batch` along `axis`, padding left out."""
    return batch.n_local if isinstance(batch, BatchShard) else batch[0].shape[axis]


def epoch_order(n: int, seed: int, epoch: int) -> Int[Tensor, " n"]:
    """The order in which the `n` examples are visited in `epoch` (from 0)."""
    return torch.randperm(n, generator=generator(seed, "order", epoch))


class Batches:
    """The training batches of one split: `batch_size` examples each, the last one of an epoch whatever is left.

    Args:
        data: A `TensorSplit`, or any map-style dataset of tuples of tensors.
        batch_size: Examples in a batch.
        seed: The run's seed.
        device: Where the batches are wanted.
        workers: DataLoader processes; only for data that is not in memory.
        rank: Which of `ranks` this process is. The batches are the same for any number of ranks; each takes its
            `BatchShard` of every one.
        ranks: How many processes share each batch.
    """

    def __init__(
        self,
        data: TensorSplit | Dataset[Any],
        batch_size: int,
        seed: int,
        device: torch.device,
        workers: int,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        self.data = data.to(device) if isinstance(data, TensorSplit) else data
        self.n: int = len(data)  # type: ignore[arg-type]  # map-style datasets have a length
        self.batch_size, self.seed, self.device, self.workers = batch_size, seed, device, workers
        self.rank, self.ranks = rank, ranks

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-self.n // self.batch_size)

    def steps(self, epoch: int, step: int, accumulate: int) -> Generator[list[Batch], None, None]:
        """The batches of each step, `accumulate` together, from number `step` of `epoch` on and without end.

        The last step of an epoch takes what is left. Closing the generator ends the workers.
        """
        while True:
            batches = self.epoch(epoch, start=step * accumulate)
            while group := list(islice(batches, accumulate)):
                yield group
            epoch, step = epoch + 1, 0

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of `epoch` from number `start` on."""
        order = epoch_order(self.n, self.seed, epoch)[start * self.batch_size :]
        if len(order) == 0:
            return iter(())  # split would make one empty batch of nothing
        if isinstance(self.data, TensorSplit):
            gathered = _gathered(self.data, order, self.batch_size)
            return gathered if self.ranks == 1 else (shard_of(batch, self.rank, self.ranks) for batch in gathered)
        return self._loaded(order, epoch)

    def _loaded(self, order: Int[Tensor, " rest"], epoch: int) -> Iterator[Batch]:
        rank, ranks = self.rank, self.ranks
        split = order.split(self.batch_size)
        chunks = [(chunk,) if ranks == 1 else shard_of((chunk,), rank, ranks) for chunk in split]
        loader = DataLoader(
            _SeededExamples(self.data, self.seed, epoch),
            batch_sampler=[indices.tolist() for (indices,) in chunks],
            num_workers=self.workers,
            pin_memory=self.device.type == "cuda",
            generator=generator(self.seed, "workers", epoch),
        )
        with reading(loader) as batches:
            for chunk, batch in zip(chunks, batches, strict=True):
                parts = tuple(part.to(self.device, non_blocking=True) for part in batch)
                yield BatchShard.of(parts, chunk.n_local, chunk.n_global) if isinstance(chunk, BatchShard) else parts


def replica_epoch(replicas: Sequence[Batches], epoch: int) -> Iterator[Batch]:
    """The batches of `epoch` of several `Batches` of the same examples in memory, with a first axis over the replicas.

    Each has the order of its own seed. A batch is gathered with others, and is contiguous.
    """
    first = replicas[0]
    data, size = first.data, first.batch_size
    assert isinstance(data, TensorSplit)
    orders = torch.stack([epoch_order(replica.n, replica.seed, epoch) for replica in replicas]).to(data.inputs.device)
    full = first.n // size * size
    batches = orders[:, :full].unflatten(1, (-1, size)).transpose(0, 1)
    for chosen in batches.split(max(1, _BLOCK_BYTES // (_example_bytes(data) * size * len(replicas)))):
        yield from zip(data.inputs[chosen].unbind(), data.targets[chosen].unbind(), strict=True)
    if full < first.n:
        yield data.inputs[orders[:, full:]], data.targets[orders[:, full:]]


def in_order(data: TensorSplit | Dataset[Any], batch_size: int, device: torch.device) -> Iterator[Batch]:
    """Every example once, unshuffled: what an evaluation reads."""
    if isinstance(data, TensorSplit):
        resident = data.to(device)
        return zip(resident.inputs.split(batch_size), resident.targets.split(batch_size), strict=True)
    return (tuple(part.to(device) for part in batch) for batch in DataLoader(data, batch_size=batch_size))


def _gathered(data: TensorSplit, order: Int[Tensor, " rest"], batch_size: int) -> Iterator[Batch]:
    block = max(1, _BLOCK_BYTES // (_example_bytes(data) * batch_size)) * batch_size
    for chosen in order.to(data.inputs.device).split(block):
        yield from zip(data.inputs[chosen].split(batch_size), data.targets[chosen].split(batch_size), strict=True)


def _example_bytes(data: TensorSplit) -> int:
    return max(1, data.inputs[:1].nbytes + data.targets[:1].nbytes)


class _SeededExamples(Dataset[Any]):
    """Seeds every generator anew for each example, so that augmentation depends on (seed, epoch, example) alone,
    whichever worker draws it and wherever a resumed run starts."""

    def __init__(self, data: Any, seed: int, epoch: int) -> None:
        self.data, self.seed, self.epoch = data, seed, epoch

    def __getitem__(self, index: int) -> Any:
        seed = derived_seed(self.seed, "example", self.epoch, index)
        states = random.getstate(), np.random.get_state(), torch.get_rng_state()
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reset the accelerators' generators too
        try:
            return self.data[index]
        finally:  # without workers these are the training's own generators
            random.setstate(states[0])
            np.random.set_state(states[1])
            torch.set_rng_state(states[2])
