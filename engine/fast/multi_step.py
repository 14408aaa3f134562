"""Several optimizer steps in one compiled graph (`trainer.compile: steps`), for small models and data in memory."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import torch
from torch import nn

from data_utils.batches import Batch, count
from engine.config import ExperimentConfig
from engine.fast.functional_step import Functional, state_of, tensors_of, why_not_functional, why_not_pure
from engine.fast.graph import Carried, copy_of, put, steps_in_a_row
from engine.loop import compile as compilation
from engine.loop.compile import be_deterministic, first_line
from engine.loop.step import GradientStep, LearningRates, Outputs
from engine.loop.stepper import EagerStepper, StepOutputs, Steps

if TYPE_CHECKING:
    from engine.trainer import Trainer

log = logging.getLogger(__name__)

_LONGEST = 10  # steps in a graph: it divides the usual intervals, and what a call costs is spread over ten
_SHORTEST = 3  # fewer steps cost less one by one than in a graph of ten
_CLOSE = 1e-3  # relative, between what the first graph reports and what single steps report


class InChunks:
    """Up to `longest` steps at a time, and never beyond the next step after which something is due.

    How many are taken after a step is a function of that step alone, so a resumed run takes the same ones. The first
    step of a run and the last batch of an epoch, where it is a smaller one, are steps of the ordinary kind, and so is
    what is left of an interval if it is short.
    """

    def __init__(
        self,
        one: EagerStepper,
        config: ExperimentConfig,
        model: nn.Module,
        rates: LearningRates,
        full_batches: int,
        replicas: int | None = None,
    ) -> None:
        self.one, self.full_batches = one, full_batches
        self.rates, self.clip_norm = rates, config.trainer.clip_norm
        plan = one.plan
        intervals = (plan.log_every, plan.evaluate_every, plan.checkpoint_every, plan.total, full_batches)
        self.longest = min(_LONGEST, *(each for each in intervals if each is not None))
        self._config, self._model, self._replicas = config, model, replicas
        self._graph: Callable[..., list[Outputs]] | None = None
        self._carried: Carried | None = None
        self._refused = False

    @classmethod
    def of(cls, trainer: Trainer, one: EagerStepper) -> InChunks | EagerStepper:
        """For the model of a trainer; step by step, with one line that says why, where that cannot be."""
        reason = why_not_functional(trainer)
        if reason is not None:
            return _refuse(one, reason)
        batches, update = trainer.batches, trainer.update
        assert isinstance(update, GradientStep)
        full_batches = batches.n // batches.batch_size
        return cls(one, trainer.config, trainer.model, update.rates, full_batches).unless_too_short()

    def unless_too_short(self) -> InChunks | EagerStepper:
        """These chunks, or step by step where something is due all the time."""
        if self.longest < _SHORTEST:
            reason = f"something is due every {self.longest} steps, and a graph is worth it from {_SHORTEST} on"
            return _refuse(self.one, reason)
        return self

    def __call__(self, steps: Steps, step: int) -> StepOutputs:
        """Take as many steps as can be taken at once."""
        length = self.length(step)
        if length < _SHORTEST or self._refused:
            return self.one(steps, step)
        batches = [batch for (batch,) in islice(steps, length)]
        if self._carried is None:
            return self._first(batches, step)
        try:
            return self._reported(self._run(batches, step), batches, step)
        except Exception as error:  # the compiler met something new; a graph changes nothing before its end
            self._refused = True
            _refuse(self.one, first_line(error))
            return self._one_by_one(batches, step)

    def length(self, step: int) -> int:
        """How many steps are taken together after `step` steps; fewer than 3 are taken one by one."""
        plan = self.one.plan
        if step == 0:  # torch's optimizer makes its state itself
            return 1
        return min(self.longest, plan.until_due(step), self.full_batches - step % plan.steps_per_epoch)

    def _one_by_one(self, batches: Sequence[Batch], step: int) -> StepOutputs:
        return [self.one(iter([[batch]]), step + number)[0] for number, batch in enumerate(batches)]

    # ---- the graph ---------------------------------------------------------------------------------------------------

    def _run(self, batches: Sequence[Batch], step: int) -> list[Outputs]:
        """Take the steps, in place; returns the outputs of each step of the graph."""
        assert self._graph is not None
        one, missing, numbers = self.one, self.longest - len(batches), range(step, step + len(batches))
        weights = [1 - one.average.decay_at(each) for each in numbers] if one.average else [0.0] * len(batches)
        known = [
            [self.rates.base[0] * one.rate(each), weight, 1.0] for each, weight in zip(numbers, weights, strict=True)
        ]
        known += [[0.0, 0.0, 0.0]] * missing  # steps that only fill up the graph
        schedule = torch.tensor(known, dtype=torch.float64, device=batches[0][0].device).unbind()
        self.rates.scale(one.rate(numbers[-1]))  # what the log and a checkpoint say
        with torch.no_grad():
            return self._graph(self._carried, [*batches, *_copies(batches[-1], missing)], schedule)

    def _reported(self, outputs: list[Outputs], batches: Sequence[Batch], step: int) -> StepOutputs:
        plan, axis = self.one.plan, self.one.axis
        if self.clip_norm is None:  # then the norm of a step that is logged is all that is asked for
            for number, output in enumerate(outputs, start=step + 1):
                if not plan.due(number, plan.log_every):
                    del output["gradient_norm"]
        return [[(count(batch, axis), output)] for batch, output in zip(batches, outputs, strict=False)]

    # ---- the first time ----------------------------------------------------------------------------------------------

    def _first(self, batches: Sequence[Batch], step: int) -> StepOutputs:
        """Compile, and compare with single steps: the graph is used from here on, or never."""
        started = time.monotonic()
        average = self.one.average.tensors if self.one.average else {}
        parameters, others = tensors_of(self._model)
        averages = {name: average[name] for name in parameters if name in average}
        self._carried = Carried(parameters, others, state_of(self.rates.optimizer, self._model), averages)
        before = copy_of(self._carried)
        reason = why_not_pure(self._model, batches[0]) if self._replicas is None else None
        if reason is None:
            try:
                be_deterministic()
                several = steps_in_a_row(self._config, Functional(self._model, self._replicas))
                self._graph = torch.compile(several, fullgraph=True, dynamic=False, backend=compilation.BACKEND)
                compiled = self._reported(self._run(batches, step), batches, step)
            except Exception as error:  # of the compiler, of many kinds; none is worth the run
                reason = first_line(error)
        after = copy_of(self._carried)
        put(before, self._carried)
        taken = self._one_by_one(batches, step)
        if reason is None and not _agree(compiled, taken):
            reason = "the graph reports other values than single steps do"
        if reason is not None:
            self._refused, self._carried = True, None
            _refuse(self.one, reason)
            return taken
        put(after, self._carried)
        log.info("compiled %d steps into one graph in %.1f s", self.longest, time.monotonic() - started)
        return compiled


def _copies(batch: Batch, n: int) -> list[Batch]:
    """`batch` so many times, in tensors of their own: for the compiler, inputs that are one tensor are another case."""
    return [tuple(part.clone() for part in batch) for _ in range(n)]


def _agree(compiled: StepOutputs, single: StepOutputs) -> bool:
    """Whether two accounts of the same steps say the same, but for rounding."""
    pairs = zip((output for ((_, output),) in compiled), (output for ((_, output),) in single), strict=True)
    return all(
        ours.keys() == theirs.keys()
        and all(torch.allclose(ours[name], theirs[name], rtol=_CLOSE, atol=_CLOSE, equal_nan=True) for name in ours)
        for ours, theirs in pairs
    )


def _refuse(one: EagerStepper, reason: str) -> EagerStepper:
    log.info("trainer.compile=steps does not apply: %s; going on step by step", reason)
    return one
