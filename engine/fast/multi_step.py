"""Several optimizer steps in one compiled graph (`trainer.compile: steps`), for small models and data in memory.

The graph is of pure steps in a row, with one change in place at the end, for torch.compile.
"""

from __future__ import annotations  # the compiler cannot evaluate them

import logging
import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from data_utils.batches import Batch, count
from engine.config import ExperimentConfig
from engine.fast.functional_step import (
    Functional,
    Tensors,
    state_of,
    tensors_of,
    update_rule,
    why_not_functional,
    why_not_pure,
)
from engine.loop import compile as compilation
from engine.loop.compile import be_deterministic, first_line
from engine.loop.learner import Learner
from engine.loop.step import GradientStep, LearningRates, Outputs
from engine.loop.stepper import EagerStepper, StepOutputs, Steps
from engine.trainer import Trainer

log = logging.getLogger(__name__)

_LONGEST = 10  # steps in a graph: it divides the usual intervals, and what a call costs is spread over ten
_SHORTEST = 3  # fewer steps cost less one by one than in a graph of ten
_CLOSE = 1e-3  # relative, between what the first graph reports and what single steps report


def compile_steps(trainer: Trainer) -> None:
    """Let `trainer` take several steps at once; step by step, with one line that says why, where that cannot be."""
    config, learner, one = trainer.config, trainer.learner, trainer.stepper
    assert isinstance(one, EagerStepper)
    reason = why_not_functional(config, learner)
    if reason is not None:
        _refuse(one, reason)
    elif isinstance(learner.train_step, GradientStep):
        trainer.stepper = MultiStepper.of(config, learner, learner.train_step.rates, one)


class MultiStepper:
    """Up to `longest` steps at a time, and never beyond the next step after which something is due.

    How many are taken after a step is a function of that step alone, so a resumed run takes the same ones. The first
    step of a run and the last batch of an epoch, where it is a smaller one, are steps of the ordinary kind, and so is
    what is left of an interval if it is short.

    Args:
        config: The experiment.
        learner: What learns; of several replicas the learner of all of them together.
        rates: Of its optimizer.
        one: Takes single steps.
        replicas: How many models `learner` joins; None where it is one by itself.
    """

    def __init__(
        self,
        config: ExperimentConfig,
        learner: Learner,
        rates: LearningRates,
        one: EagerStepper,
        replicas: int | None = None,
    ) -> None:
        plan = learner.plan
        self.learner, self.rates, self.one, self.clip_norm = learner, rates, one, config.trainer.clip_norm
        self.full_batches = learner.batches.n // learner.batches.batch_size
        intervals = (plan.log_every, plan.evaluate_every, plan.checkpoint_every, plan.total, self.full_batches)
        self.longest = min(_LONGEST, *(each for each in intervals if each is not None))
        self._config, self._replicas = config, replicas
        self._graph: Callable[..., list[Outputs]] | None = None
        self._carried: Carried | None = None
        self._refused = False

    @classmethod
    def of(
        cls,
        config: ExperimentConfig,
        learner: Learner,
        rates: LearningRates,
        one: EagerStepper,
        replicas: int | None = None,
    ) -> MultiStepper | EagerStepper:
        """A stepper of several steps, or `one` where something is due all the time; the arguments are its own."""
        stepper = cls(config, learner, rates, one, replicas)
        if stepper.longest < _SHORTEST:
            reason = f"something is due every {stepper.longest} steps, and a graph is worth it from {_SHORTEST} on"
            return _refuse(one, reason)
        return stepper

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
        plan = self.learner.plan
        if step == 0:  # torch's optimizer makes its state itself
            return 1
        return min(self.longest, plan.until_due(step), self.full_batches - step % plan.steps_per_epoch)

    def _one_by_one(self, batches: Sequence[Batch], step: int) -> StepOutputs:
        return [self.one(iter([[batch]]), step + number)[0] for number, batch in enumerate(batches)]

    # ---- the graph ---------------------------------------------------------------------------------------------------

    def _run(self, batches: Sequence[Batch], step: int) -> list[Outputs]:
        """Take the steps, in place; returns the outputs of each step of the graph."""
        assert self._graph is not None
        lr, ema, base = self.learner.lr, self.learner.ema, self.rates.base[0]
        missing, numbers = self.longest - len(batches), range(step, step + len(batches))
        known = [[base * lr(number), 1 - ema.decay_at(number) if ema else 0.0, 1.0] for number in numbers]
        known += [[0.0, 0.0, 0.0]] * missing  # steps that only fill up the graph
        schedule = torch.tensor(known, dtype=torch.float64, device=batches[0][0].device).unbind()
        self.rates.scale(lr(numbers[-1]))  # what the log and a checkpoint say
        with torch.no_grad():
            return self._graph(self._carried, [*batches, *_copies(batches[-1], missing)], schedule)

    def _reported(self, outputs: list[Outputs], batches: Sequence[Batch], step: int) -> StepOutputs:
        plan, axis = self.learner.plan, self.one.axis
        if self.clip_norm is None:  # then the norm of a step that is logged is all that is asked for
            for number, output in enumerate(outputs, start=step + 1):
                if not plan.due(number, plan.log_every):
                    del output["gradient_norm"]
        return [[(count(batch, axis), output)] for batch, output in zip(batches, outputs, strict=False)]

    # ---- the first time ----------------------------------------------------------------------------------------------

    def _first(self, batches: Sequence[Batch], step: int) -> StepOutputs:
        """Compile, and compare with single steps: the graph is used from here on, or never."""
        started = time.monotonic()
        model, average = self.learner.model, self.learner.ema.tensors if self.learner.ema else {}
        parameters, others = tensors_of(model)
        averages = {name: average[name] for name in parameters if name in average}
        self._carried = Carried(parameters, others, state_of(self.rates.optimizer, model), averages)
        before = copy_of(self._carried)
        reason = why_not_pure(model, batches[0]) if self._replicas is None else None
        if reason is None:
            try:
                be_deterministic()
                several = steps_in_a_row(self._config, Functional(model, self._replicas))
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
    """`n` copies of `batch`. Aliased inputs would trigger a recompile."""
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


# ---- the graph -----------------------------------------------------------------------------------------------------


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
