"""How a training goes forward: a step at a time, or by a stepper that takes several at once."""

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from data_utils.batches import Batch, count
from engine.loop.learner import Learner
from engine.loop.step import Outputs
from engine.loop.timer import Step

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
        learner: What learns.
        first: Takes the first step instead, in the same way, and finds something out on the way.
        axis: The axis of the examples in a batch.
    """

    def __init__(self, learner: Learner, first: Step | None = None, axis: int = 0) -> None:
        self.learner, self.axis = learner, axis
        self._next = first or learner.step

    def __call__(self, steps: Steps, step: int) -> StepOutputs:
        """Take one step."""
        batches, plan = next(steps), self.learner.plan
        take, self._next = self._next, self.learner.step
        outputs = take(batches, step, plan.due(step + 1, plan.log_every))
        return [[(count(batch, self.axis), output) for batch, output in zip(batches, outputs, strict=True)]]
