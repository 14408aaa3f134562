"""The graph of several optimizer steps, for torch.compile: pure steps in a row, and one change at the end."""

from __future__ import annotations  # the compiler cannot evaluate them

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from data_utils.batches import Batch
from engine.config import ExperimentConfig
from engine.fast.functional_step import Functional, Tensors, update_rule
from engine.loop.step import Outputs


class Carried(NamedTuple):
    """What goes from one step to the next; the storage is that of the model, its optimizer and its average."""

    parameters: Tensors
    others: Tensors
    state: dict[str, Tensors]
    average: Tensors


def steps_in_a_row(config: ExperimentConfig, functional: Functional) -> Callable[..., list[Outputs]]:
    """Several steps as one function: what is carried, and a batch and a schedule for each, to the outputs of each.

    A schedule is a tensor of three numbers: the learning rate, the weight of the new weights in the moving average, and
    1, or 0 for a step that must change nothing. What is carried is changed in place, once, at the end. Batches and
    schedules are tensors of their own, not rows of one: the kernels of a step are then those of every other, and are
    compiled once.
    """
    assert config.optimizer is not None
    rule, largest = update_rule(config.optimizer), config.trainer.clip_norm

    def advance(now: Carried, batch: Batch, rate: Tensor, weight: Tensor) -> tuple[Carried, Tensors]:
        gradients, outputs, others = functional.gradients(now.parameters, now.others, batch)
        norm = functional.norm(gradients)
        if largest is not None:
            gradients = functional.clipped(gradients, norm, largest)
        updated = {name: rule(p, gradients[name], now.state[name], rate) for name, p in now.parameters.items()}
        parameters = {name: p for name, (p, _) in updated.items()}
        average = {
            name: torch.lerp(each, parameters[name], weight.to(each.dtype)) for name, each in now.average.items()
        }
        state = {name: state for name, (_, state) in updated.items()}
        return Carried(parameters, others, state, average), {**outputs, "gradient_norm": norm}

    def several(carried: Carried, batches: Sequence[Batch], schedules: Sequence[Tensor]) -> list[Outputs]:
        now, history = carried, []
        for batch, schedule in zip(batches, schedules, strict=True):
            rate, weight, counts = schedule.unbind()
            new, outputs = advance(now, batch, rate, weight)
            real = counts > 0
            now = pytree.tree_map(lambda old, fresh: torch.where(real, fresh, old), now, new)  # noqa: B023
            history.append(outputs)
        put(now, carried)
        return history

    return several


def put(source: Carried, target: Carried) -> None:
    """Copy `source` into the storage of `target`."""
    for new, old in zip(pytree.tree_leaves(source), pytree.tree_leaves(target), strict=True):
        old.copy_(new)


def copy_of(carried: Carried) -> Carried:
    """The same values in storage of their own."""
    copied: Carried = pytree.tree_map(torch.clone, carried)
    return copied
