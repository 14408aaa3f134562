"""The learning rate as a pure function of the step: warm-up, then constant, linear, cosine or in stairs."""

import math
from collections.abc import Callable

from engine.config import Constant, Linear, SchedulerConfig, StepDecay
from engine.duration import Duration

Schedule = Callable[[int], float]


def schedule(config: SchedulerConfig, total: int, to_steps: Callable[[Duration], int]) -> Schedule:
    """The factor on every learning rate at a step (from 0).

    Args:
        config: The schedule.
        total: Steps in the run.
        to_steps: Converts a duration to steps.
    """
    warmup = to_steps(config.warmup) if config.warmup is not None else 0
    after = _after_warmup(config, max(1, total - warmup), to_steps)

    def factor(step: int) -> float:
        return (step + 1) / warmup if step < warmup else after(step - warmup)

    return factor


def _after_warmup(config: SchedulerConfig, total: int, to_steps: Callable[[Duration], int]) -> Schedule:
    if isinstance(config, Constant):
        return lambda step: 1.0
    if isinstance(config, StepDecay):
        every, decay = to_steps(config.every), config.factor
        return lambda step: decay ** (step // every)
    assert isinstance(config, Linear)
    final = config.final
    if config.name == "linear":
        return lambda step: 1 + (final - 1) * min(1.0, step / total)
    return lambda step: final + (1 - final) * (1 + math.cos(math.pi * min(1.0, step / total))) / 2
