"""`trainer.compile: model`: `training_step` and `evaluation_step` through torch.compile, each by itself."""

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from data_utils.batches import Batch
from engine.config import TrainerConfig
from engine.device.world import World

log = logging.getLogger(__name__)

BACKEND = "inductor"

Step = Callable[[Batch], dict[str, Tensor]]


def compile_model(model: nn.Module, wanted: str, world: World) -> None:
    """Put compiled steps in the place of the model's own, if `model` is wanted and nothing stands against it."""
    if wanted != "model":
        return
    if world.size > 1:
        log.info("trainer.compile=model does not apply: several processes share the training")
        return
    if not getattr(model, "automatic_optimization", True):
        log.info("trainer.compile=model does not apply: the model makes its own update")
        return
    for name in ("training_step", "evaluation_step"):
        if hasattr(model, name):
            setattr(model, name, _Compiled(getattr(model, name), name))


def single_steps_note(config: TrainerConfig) -> str:
    """Suffix of a log line where `trainer.compile=steps` is set but the task steps one by one; otherwise empty."""
    return "; trainer.compile=steps is left out: single steps, one by one" if config.compile == "steps" else ""


class _Compiled:
    """A step that is compiled for each shape of batch it meets; the plain one for good where that fails once."""

    def __init__(self, plain: Step, name: str) -> None:
        self._plain, self._name = plain, name
        be_deterministic()
        # draws as torch makes them otherwise: a graph has a generator of its own, with other numbers
        options: dict[str, Any] | None = {"fallback_random": True} if BACKEND == "inductor" else None
        self._compiled: Step | None = torch.compile(plain, dynamic=False, backend=BACKEND, options=options)

    def __call__(self, batch: Batch) -> dict[str, Tensor]:
        """The outputs of the step."""
        if self._compiled is not None:
            try:
                return self._compiled(batch)
            except Exception as error:  # of the compiler, of many kinds; the model's own comes again below
                self._compiled = None
                log.info("trainer.compile=model does not apply to %s: %s", self._name, first_line(error))
        return self._plain(batch)


def be_deterministic() -> None:
    """Ask the compiler too for kernels that do not depend on what is fastest at the moment.

    `seed_everything` asks the rest of torch, and leaves the compiler alone, whose import takes seconds.
    """
    torch.use_deterministic_algorithms(True)


def first_line(error: Exception) -> str:
    """The kind of an error and the first line that it says."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else 'no reason given'}"
