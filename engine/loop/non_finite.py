"""Where a value that is not finite came from, found after the fact, so that good steps pay nothing for it."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from data_utils.batches import epoch_order
from engine.loop.metric_buffer import LEAST_SCALE, NonFinite
from utils.errors import RunError
from utils.seeds import derived_seed, restore_random_state, seed_everything

if TYPE_CHECKING:
    from engine.trainer import Trainer

log = logging.getLogger(__name__)

_SMALL = 64 * 2**20
_SHOWN = 8


@contextmanager
def explain_non_finite(trainer: Trainer) -> Iterator[None]:
    """Add to a `NonFinite` error which examples the step was on and which parameter was the first to go bad.

    The steps since the last checkpoint are taken again, which gives the same bits, with every gradient looked at.
    Before the first checkpoint these are all steps of the process, from a copy of its first state, which is kept of
    small models only. Where there is neither, and where several ranks train, the message names the examples alone.
    """
    alone = trainer.world.size == 1
    start = _position(trainer) if alone else None
    try:
        yield
    except NonFinite as error:
        where = _retrace(trainer, start, error.step) if alone else None
        step = error.step if where is None else where[0]
        examples = examples_of(trainer, step)
        log.debug("step %d was on examples %s of the training split", step, examples)
        shown = f"{', '.join(map(str, examples[:_SHOWN]))}{', ...' if len(examples) > _SHOWN else ''}"
        first = f"; first, at step {where[0]}, {where[1]}" if where else ""
        raise RunError(f"{error}{first}; step {step} was on training examples {shown}") from error


def examples_of(trainer: Trainer, step: int) -> list[int]:
    """The examples that step number `step` (from 1) was on, as indices into the training split."""
    epoch, place = trainer.plan.position(step - 1)
    size = trainer.plan.examples_per_step
    order = epoch_order(trainer.batches.n, trainer.config.seed, epoch)
    taken = order[place * size : (place + 1) * size]
    indices: list[int] = (taken if trainer.few is None else trainer.few[taken]).tolist()
    return indices


def _position(trainer: Trainer) -> dict[str, Any] | None:
    model = trainer.model.state_dict()
    if sum(tensor.nbytes for tensor in model.values()) > _SMALL:
        return None
    return {
        "step": trainer.step,
        "model": {name: tensor.clone() for name, tensor in model.items()},
        "optimizers": {name: copy.deepcopy(each.state_dict()) for name, each in trainer.optimizers.items()},
        "scaler": trainer.hardware.scaler.state_dict(),
        "random": trainer.random,
    }


def _retrace(trainer: Trainer, start: dict[str, Any] | None, until: int) -> tuple[int, str] | None:
    """The first step up to `until` at which something was not finite, and what; None where it cannot be told."""
    position = trainer.saver.newest() or start
    if position is None:
        return None
    trainer.model.load_state_dict(position["model"])
    for name, optimizer in trainer.optimizers.items():
        optimizer.load_state_dict(position["optimizers"][name])
    trainer.hardware.scaler.load_state_dict(position["scaler"])
    if position["random"] is not None:
        restore_random_state(position["random"])
    else:
        seed_everything(derived_seed(trainer.config.seed, "training"))
    steps = trainer.batches.steps(*trainer.plan.position(position["step"]), trainer.config.trainer.accumulate)
    scaler = trainer.hardware.scaler
    with closing(steps), _watched(trainer.model.named_parameters()) as gradients:
        for step in range(position["step"], until):
            if trainer.signals.received is not None:
                return None
            overflow_is_meant = scaler.is_enabled() and scaler.get_scale() >= LEAST_SCALE
            outputs = trainer.update(next(steps), trainer.rate(step), want_norm=False)
            if overflow_is_meant:
                outputs[0].pop("gradient_norm", None)
                gradients.clear()
            bad = [f"the {name}" for output in outputs for name, value in output.items() if not _finite(value)]
            bad += gradients[:1]  # in the order in which things happen: forward, backward, update
            bad += [f"the weights {name}" for name, value in trainer.model.state_dict().items() if not _finite(value)]
            if bad:
                return step + 1, " and ".join(dict.fromkeys([bad[0], *gradients[:1]]))
    return None


@contextmanager
def _watched(parameters: Iterable[tuple[str, nn.Parameter]]) -> Iterator[list[str]]:
    """Within this, the list gets the name of each parameter whose gradient is not finite, in the order of backward."""
    bad: list[str] = []

    def look(name: str, parameter: Tensor) -> None:
        if parameter.grad is not None and not _finite(parameter.grad):
            bad.append(f"the gradient of {name}")

    handles = [
        parameter.register_post_accumulate_grad_hook(lambda each, name=name: look(name, each))
        for name, parameter in parameters
        if parameter.requires_grad
    ]
    try:
        yield bad
    finally:
        for handle in handles:
            handle.remove()


def _finite(value: Tensor) -> bool:
    return bool(torch.isfinite(value).all())
