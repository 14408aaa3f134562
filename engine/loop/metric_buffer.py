"""What the training steps reported since the last log line, kept on the device until it is written."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from engine.device.world import World
from engine.loop.step import Outputs
from utils.errors import RunError

_OF_THE_UPDATE = {"gradient_norm", "loss_scale", "skipped_steps"}  # what the engine adds to a model's outputs

LEAST_SCALE = 1.0
"""Of the loss in fp16. A smaller one makes gradients smaller than they are, so an overflow is not its doing."""

Column = tuple[list[int], list[float], list[float]]  # steps, values, weights


class NonFinite(RunError):
    """A value of the training was not finite; `step` is the first step (from 1) whose record shows it."""

    def __init__(self, message: str, step: int) -> None:
        super().__init__(message)
        self.step = step


class MetricBuffer:
    """Collects what `training_step` returns; nothing is read back from the device before it is asked for.

    Args:
        gradients_are_scaled: The loss scale of fp16 may overflow a gradient now and then; such a step is left out by
            the scaler, so the norm is no reason to stop.
        world: The ranks that a step is spread over. Each keeps what it saw; a flush puts that together.
    """

    def __init__(self, gradients_are_scaled: bool, world: World | None = None) -> None:
        self.world = world or World()
        self._outputs: list[tuple[int, int, Outputs]] = []
        self._scaled = gradients_are_scaled
        self._unchecked = {"gradient_norm"} if gradients_are_scaled else set()

    def add(self, step: int, examples: int, output: Outputs) -> None:
        """Keep the output of one forward pass of `step`, over `examples` examples."""
        self._outputs.append((step, examples, output))

    @property
    def examples(self) -> int:
        """Examples that this rank saw since the last flush."""
        return sum(examples for _, examples, _ in self._outputs)

    def seen(self) -> tuple[int, float | None]:
        """Examples and items that all ranks saw since the last flush; None for items where the model counts none."""
        counts = [output["items"] for _, _, output in self._outputs if "items" in output]
        items = sum(_read(counts)) if counts else None
        everywhere = self.world.gather((self.examples, items))
        of_ranks = [count for _, count in everywhere if count is not None]
        return sum(examples for examples, _ in everywhere), sum(of_ranks) if of_ranks else None

    def flush(self) -> dict[str, float]:
        """The means since the last flush, weighted by items (examples where the model counts none), and a clean start.

        Raises:
            NonFinite: See `refuse_non_finite`; or a gradient was not finite at any loss scale.
        """
        columns = self._columns()
        self._refuse_non_finite(columns)
        if self._scaled:
            self._refuse_overflow(columns)
        own = {
            name: (sum(value * weight for value, weight in zip(values, weights, strict=True)), sum(weights))
            for name, (_, values, weights) in columns.items()
        }
        everywhere = self.world.gather(own)
        means = {}
        for name in sorted({name for sums in everywhere for name in sums}):
            found = [sums[name] for sums in everywhere if name in sums]
            if weight := sum(weight for _, weight in found):  # a mean over no items is none
                means[_key(name)] = sum(total for total, _ in found) / weight
        self._outputs = []
        return means

    def refuse_non_finite(self) -> None:
        """Stop the run if a value since the last flush was not finite.

        Raises:
            NonFinite: Names the value and the first step where it was not finite.
        """
        self._refuse_non_finite(self._columns())

    def _refuse_non_finite(self, columns: dict[str, Column]) -> None:
        found = [
            (step, name, value)
            for name, (steps, values, _) in columns.items()
            for step, value in zip(steps, values, strict=True)
            if name not in self._unchecked and not math.isfinite(value)
        ]
        found = [each for rank in self.world.gather(found[:1] and [min(found, key=_order)]) for each in rank]
        if found:
            step, name, value = min(found, key=_order)
            raise NonFinite(
                f"the {name.replace('_', ' ')} is {value} at step {step}: lower the learning rate, set "
                "trainer.clip_norm, or look for bad values in the data of that step",
                step,
            )

    def _refuse_overflow(self, columns: dict[str, Column]) -> None:
        """Stop the run if the scaler skipped every step and has no more scale to take back."""
        steps, skipped, _ = columns.get("skipped_steps", ([], [], []))
        _, scales, _ = columns.get("loss_scale", ([], [], []))
        in_vain = all(skipped) and any(scale < LEAST_SCALE for scale in scales)
        if all(self.world.gather(in_vain)):
            raise NonFinite(
                f"the gradient of steps {steps[0]} to {steps[-1]} is not finite, though the loss scale of fp16 is down "
                f"to {scales[-1]:.3g}: look for an operation without a derivative at some value, such as the root of "
                "0, or use bf16 or fp32",
                steps[-1],
            )

    def _columns(self) -> dict[str, Column]:
        """For each value but the count of items: the steps that have it, the values and their weights."""
        columns = {}
        for name in sorted({name for _, _, output in self._outputs for name in output} - {"items"}):
            having = [(step, examples, output) for step, examples, output in self._outputs if name in output]
            values = _read([output[name] for _, _, output in having])
            items = iter(_read([output["items"] for _, _, output in having if "items" in output]))
            weights = [next(items) if "items" in output else float(examples) for _, examples, output in having]
            columns[name] = ([step for step, _, _ in having], values, weights)
        return columns

    def state_dict(self) -> dict[str, Any]:
        """Its entry in a checkpoint between two flushes: what all ranks hold, as plain data and tensors on the CPU.

        All ranks call this together.
        """
        own = [
            [step, examples, {name: value.cpu() for name, value in output.items()}]
            for step, examples, output in self._outputs
        ]
        return {"window": [row for rows in self.world.gather(own) for row in rows]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from the entry of a checkpoint; a sum over ranks does not care which of them holds a part."""
        if self.world.is_main:
            self._outputs = [(step, examples, dict(output)) for step, examples, output in state["window"]]


def _read(values: Sequence[Tensor]) -> list[float]:
    """Single numbers, read back from the device together; those that a checkpoint held are on the CPU."""
    if not values:
        return []
    device = values[-1].device
    return torch.stack([value.to(device) for value in values]).cpu().double().tolist()


def _order(found: tuple[int, str, float]) -> tuple[int, bool]:
    step, name, _ = found
    return step, name != "loss"  # of one step the loss comes first: it spoils the gradient, not the other way round


def _key(name: str) -> str:
    return f"{'optimizer' if name in _OF_THE_UPDATE else 'batch'}/{name}"
