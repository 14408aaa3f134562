"""Where a value that is not finite came from, found after the fact, so that good steps pay nothing for it."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map_only

from data_utils.batches import epoch_order
from engine.loop.learner import Learner, Position
from engine.loop.metric_buffer import LEAST_SCALE, NonFinite
from utils.errors import RunError

log = logging.getLogger(__name__)

_SMALL = 64 * 2**20
_SHOWN = 8


class NonFiniteFinder:
    """Within this, a `NonFinite` error also names the examples of its step, and the parameter that went bad first.

    The steps since the last checkpoint are taken again, which gives the same bits, with every gradient looked at.
    Before the first checkpoint these are all steps of the process, from a copy of its first state, which is kept of
    small models only. Where there is neither, and where several ranks train, the message names the examples alone.

    Args:
        learner: What is trained.
        position: Where it stands as the training begins.
        seed: The run's seed.
        newest: Reads the content of the newest checkpoint; None where there is none.
        stopped: Whether a signal came, and nobody waits for an answer.
    """

    def __init__(
        self,
        learner: Learner,
        position: Position,
        seed: int,
        newest: Callable[[], Mapping[str, Any] | None],
        stopped: Callable[[], bool],
    ) -> None:
        self.learner, self.seed, self.newest, self.stopped = learner, seed, newest, stopped
        self.alone = learner.world.size == 1
        self._start = _copy(learner, position) if self.alone else None

    def __enter__(self) -> "NonFiniteFinder":
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, NonFinite):
            raise self.explained(error) from error

    def explained(self, error: NonFinite) -> RunError:
        """The error with all that can be found out about it; the learner has other weights afterwards."""
        where = self._retrace(error.step) if self.alone else None
        step = error.step if where is None else where[0]
        examples = self.examples_of(step)
        log.debug("step %d was on examples %s of the training split", step, examples)
        shown = f"{', '.join(map(str, examples[:_SHOWN]))}{', ...' if len(examples) > _SHOWN else ''}"
        first = f"; first, at step {where[0]}, {where[1]}" if where else ""
        return RunError(f"{error}{first}; step {step} was on training examples {shown}")

    def examples_of(self, step: int) -> list[int]:
        """The examples that step number `step` (from 1) was on, as indices into the training split."""
        learner = self.learner
        epoch, place = learner.plan.epoch_and_step(step - 1)
        size = learner.plan.examples_per_step
        order = epoch_order(learner.batches.n, self.seed, epoch)
        taken = order[place * size : (place + 1) * size]
        indices: list[int] = (taken if learner.few is None else learner.few[taken]).tolist()
        return indices

    def _retrace(self, until: int) -> tuple[int, str] | None:
        """The first step up to `until` at which something was not finite, and what; None where it cannot be told."""
        state = self.newest() or self._start
        if state is None:
            return None
        learner, position = self.learner, Position()
        learner.load_state_dict(state)
        position.load_state_dict(state)
        learner.seed(position, self.seed)
        model, scaler = learner.model, learner.hardware.scaler
        with closing(learner.steps_from(position.step)) as steps, _watched(model.named_parameters()) as gradients:
            for step in range(position.step, until):
                if self.stopped():
                    return None
                overflow_is_meant = scaler.is_enabled() and scaler.get_scale() >= LEAST_SCALE
                outputs = learner.train_step(next(steps), learner.lr(step), want_norm=False)
                if overflow_is_meant:
                    outputs[0].pop("gradient_norm", None)
                    gradients.clear()
                bad = [f"the {name}" for output in outputs for name, value in output.items() if not _finite(value)]
                bad += gradients[:1]  # in the order in which things happen: forward, backward, update
                bad += [f"the weights {name}" for name, value in model.state_dict().items() if not _finite(value)]
                if bad:
                    return step + 1, " and ".join(dict.fromkeys([bad[0], *gradients[:1]]))
        return None


def _copy(learner: Learner, position: Position) -> dict[str, Any] | None:
    """The state that a training begins with; None for a large model."""
    if sum(tensor.nbytes for tensor in learner.model.state_dict().values()) > _SMALL:
        return None
    state: dict[str, Any] = tree_map_only(Tensor, torch.clone, learner.state_dict() | position.state_dict())
    return state


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
