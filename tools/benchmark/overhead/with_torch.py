"""Loops written by hand."""

from collections.abc import Iterable

import torch
from torch import Tensor
from work import Work


def data_loader(work: Work) -> None:
    """The loop of the tutorials."""
    loader, optimizer = work.loader(), work.optimizer()
    for _ in range(work.epochs):
        _epoch(work, loader, optimizer)


def in_memory(work: Work) -> None:
    """No loader: an epoch is one permutation, and a batch is a view."""
    _in_memory(work, work.optimizer())


def in_memory_fused(work: Work) -> None:
    """The best loop by hand: the same, with an optimizer that is one call."""
    _in_memory(work, work.optimizer(fused=True))


def _in_memory(work: Work, optimizer: torch.optim.Optimizer) -> None:
    size = work.task.batch
    for _ in range(work.epochs):
        order = torch.randperm(len(work.inputs))
        batches = zip(work.inputs[order].split(size), work.targets[order].split(size), strict=True)
        _epoch(work, batches, optimizer)


def _epoch(work: Work, batches: Iterable[tuple[Tensor, Tensor]], optimizer: torch.optim.Optimizer) -> None:
    network, criterion = work.network, work.criterion
    for inputs, targets in batches:
        loss = criterion(network(inputs), targets)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()


LOOPS = {"data_loader": data_loader, "in_memory": in_memory, "in_memory_fused": in_memory_fused}
