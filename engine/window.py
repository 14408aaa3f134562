"""What the training steps reported since the last log line, kept on the device until it is written."""

import math
from typing import Any

import torch
from torch import Tensor

from engine.update import Outputs
from utils.errors import RunError


class Window:
    """Collects what `training_step` returns; nothing is read back from the device before `flush`."""

    def __init__(self) -> None:
        self._outputs: list[tuple[int, int, Outputs]] = []

    def add(self, step: int, examples: int, output: Outputs) -> None:
        """Keep the output of one forward pass of `step`, over `examples` examples."""
        self._outputs.append((step, examples, output))

    @property
    def examples(self) -> int:
        """Examples seen since the last flush."""
        return sum(examples for _, examples, _ in self._outputs)

    def flush(self) -> dict[str, float]:
        """The means since the last flush, weighted by items (examples where the model counts none), and a clean start.

        Raises:
            RunError: A loss or a gradient norm was not finite; the message names the first such step.
        """
        outputs, self._outputs = self._outputs, []
        if not outputs:
            return {}
        counts = [float(output.get("items", examples)) for _, examples, output in outputs]
        means: dict[str, float] = {}
        for name in sorted({name for _, _, output in outputs for name in output} - {"items"}):
            chosen = [i for i, (_, _, output) in enumerate(outputs) if name in output]
            values = torch.stack([outputs[i][2][name].double().cpu() for i in chosen]).tolist()
            _refuse_non_finite(name, [outputs[i][0] for i in chosen], values)
            weights = [counts[i] for i in chosen]
            means[_key(name)] = sum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights)
        return means

    def state(self) -> list[Any]:
        """The contents as tensors and plain data, for a checkpoint between two flushes."""
        return [[step, examples, dict(output)] for step, examples, output in self._outputs]

    def restore(self, state: list[Any]) -> None:
        """Go on from a `state`."""
        self._outputs = [(step, examples, dict(output)) for step, examples, output in state]


def _key(name: str) -> str:
    return "optimizer/gradient_norm" if name == "gradient_norm" else f"batch/{name}"


def _refuse_non_finite(name: str, steps: list[int], values: list[float]) -> None:
    for step, value in zip(steps, values, strict=True):
        if not math.isfinite(value):
            what = name.replace("_", " ")
            raise RunError(
                f"the {what} is {value} at step {step}: lower the learning rate, set trainer.clip_norm, or look for "
                "bad values in the data of that step"
            )


def gather(values: dict[str, Tensor | float]) -> dict[str, float]:
    """Measures that a model reports, as plain floats."""
    return {name: float(value) for name, value in values.items()}
