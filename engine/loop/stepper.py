"""How a training goes forward: a step at a time, unless the config asks for several at once."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from data_utils.batches import Batch, count
from engine.loop.ema import EMA
from engine.loop.optimizers import Schedule
from engine.loop.plan import Plan
from engine.loop.step import Outputs, Update

if TYPE_CHECKING:
    from engine.trainer import Trainer

StepOutputs = list[list[tuple[int, Outputs]]]
"""For each step that was taken, and each forward pass of it: its examples, and what the model reported."""

Steps = Iterator[list[Batch]]


@runtime_checkable
class Stepper(Protocol):
    """Takes the next step, or the next few."""

    def __call__(self, steps: Steps, step: int) -> StepOutputs:
        """Take batches from `steps` and learn from them; `step` is the number of steps taken before."""


class EagerStepper:
    """One step after the other.

    Args:
        update: The step.
        average: The moving average of the weights, where there is one.
        rate: The learning rate.
        plan: What is due when.
        first: Takes the first step instead, in the same way, and finds something out on the way.
        axis: The axis of the examples in a batch.
    """

    def __init__(
        self,
        update: Update,
        average: EMA | None,
        rate: Schedule,
        plan: Plan,
        first: Update | None = None,
        axis: int = 0,
    ) -> None:
        self.update, self.average, self.rate, self.plan, self.axis = update, average, rate, plan, axis
        self._next = first or update

    def __call__(self, steps: Steps, step: int) -> StepOutputs:
        """Take one step."""
        batches = next(steps)
        update, self._next = self._next, self.update
        outputs = update(batches, self.rate(step), want_norm=self.plan.due(step + 1, self.plan.log_every))
        if self.average is not None:
            self.average.update(step)
        return [[(count(batch, self.axis), output) for batch, output in zip(batches, outputs, strict=True)]]


def one_by_one(trainer: "Trainer") -> str:
    """What is to be said by whoever takes single steps where the config asks for several in a graph; else nothing."""
    compiled = trainer.config.trainer.compile == "steps"
    return "; trainer.compile=steps is left out: single steps, one by one" if compiled else ""


def build_stepper(trainer: "Trainer") -> Stepper:
    """The pace that `trainer.compile` asks for; what cannot be compiled is found out when it is tried."""
    # a counter would be compiled along with a model that is compiled
    counted = partial(trainer.speed.counted, trainer.update) if trainer.config.trainer.compile != "model" else None
    one = EagerStepper(trainer.update, trainer.average, trainer.rate, trainer.plan, counted)
    if trainer.config.trainer.compile != "steps":
        return one
    from engine.fast.multi_step import InChunks  # loads the compiler, which takes as long as torch

    return InChunks.of(trainer, one)
