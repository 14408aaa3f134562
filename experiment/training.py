"""What becomes of the trainer that a chapter's `main` has prepared."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.trainer import Trainer

    Task = Callable[[Trainer], None]


def train(trainer: "Trainer") -> None:
    """Train to the end, several steps in one graph where `trainer.compile` asks for that."""
    if trainer.config.trainer.compile == "steps":
        from engine.fast.multi_step import compile_steps  # loads the compiler, which takes as long as torch

        compile_steps(trainer)
    trainer.train()


def task_of(flag: str | None, steps: int | None) -> "Task":
    """What is done with a trainer, by the flag of `train.py` that asks for it; `steps` is for a profile."""
    match flag:
        case None:
            return train
        case "dry-run":
            from engine.debug.dry_run import dry_run

            return dry_run
        case "find-lr":
            from engine.debug.lr_finder import find_lr

            return find_lr
        case "profile":
            from engine.debug.profiler import profile

            assert steps is not None
            return partial(profile, steps=steps)
    raise AssertionError(flag)
