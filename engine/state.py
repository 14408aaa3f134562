"""What a checkpoint of a training holds, and how a training goes on from it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from engine.checkpoints import load_checkpoint, load_weights, not_ours
from engine.references import resolve_checkpoint
from engine.window import NonFinite
from utils.errors import InputError
from utils.seeds import random_state

if TYPE_CHECKING:
    from engine.trainer import Trainer


_NEEDED = {"chapter", "run_id", "config", "step", "model", "average"}  # by an evaluation or a new run


def capture_state(trainer: Trainer) -> dict[str, Any]:
    """Everything that the rest of the training depends on, and what an evaluation needs to know.

    Raises:
        NonFinite: A weight is not finite; the loss shows that at the next step only, too late for the checkpoint.
    """
    for name, values in trainer.model.state_dict().items():
        if not values.isfinite().all():
            raise NonFinite(
                f"{name} is not finite after step {trainer.step}: lower the learning rate or set trainer.clip_norm",
                trainer.step,
            )
    return {
        "chapter": trainer.run.chapter.name,
        "run_id": trainer.run.run_id,
        "config": trainer.config.model_dump(mode="json"),
        "step": trainer.step,
        "evaluated_at": trainer.evaluated_at,
        "latest": trainer.latest,
        "seconds": trainer.clock.seconds,
        "recorded_bytes": trainer.record.sync(),
        "model": trainer.model.state_dict(),
        "average": trainer.average.state() if trainer.average else None,
        "optimizers": {name: optimizer.state_dict() for name, optimizer in trainer.optimizers.items()},
        "scaler": trainer.hardware.scaler.state_dict(),
        "best": trainer.best.state(),
        "window": trainer.window.state(),
        "random": random_state(),
    }


def start(trainer: Trainer) -> None:
    """Start from a checkpoint where one is named; a run that was stopped before its first one starts over."""
    run, last = trainer.run, trainer.run.folders.models / "model_last.pt"
    if run.options.resume and last.exists():
        restore_state(trainer, read_checkpoint(last, run.chapter))
    elif run.options.load_checkpoint is not None:
        path = resolve_checkpoint(run.options.load_checkpoint, run.outputs)
        load_weights(trainer.model, trained_weights(read_checkpoint(path, run.chapter)), str(path))
        run.started_from = str(path.resolve())


def restore_state(trainer: Trainer, content: dict[str, Any]) -> None:
    """Put `trainer` where `capture_state` saw it."""
    load_weights(trainer.model, content["model"], f"the checkpoint of {content['run_id']}")
    for name, optimizer in trainer.optimizers.items():
        optimizer.load_state_dict(content["optimizers"][name])
    if trainer.average is not None:
        trainer.average.restore(content["average"])
    trainer.hardware.scaler.load_state_dict(content["scaler"])
    trainer.best.restore(content["best"])
    trainer.window.restore(content["window"], trainer.hardware.device)
    trainer.clock.restore(content["seconds"])
    trainer.step, trainer.evaluated_at = content["step"], content["evaluated_at"]
    trainer.latest, trainer.recorded_bytes = content["latest"], content["recorded_bytes"]
    trainer.random = content["random"]


def results_of(trainer: Trainer) -> dict[str, Any]:
    """How the training stands, for `metrics.json`."""
    return {
        "chapter": trainer.run.chapter.name,
        "experiment": trainer.config.experiment,
        "seed": trainer.config.seed,
        "step": trainer.step,
        "epoch": trainer.step / trainer.plan.steps_per_epoch,
        "seconds": trainer.clock.seconds,
        "last": trainer.latest,
        "best": trainer.best.summary(),
        "parameters": sum(parameter.numel() for parameter in trainer.model.parameters()),
        "model_bytes": sum(tensor.nbytes for tensor in trainer.model.state_dict().values()),
        "data": trainer.splits.fingerprint,
    }


def read_checkpoint(path: Path, chapter: Path) -> dict[str, Any]:
    """The content of a checkpoint that a training of `chapter` wrote.

    Raises:
        InputError: It cannot be used, or comes from another chapter.
    """
    content = load_checkpoint(path)
    if not content.keys() >= _NEEDED:
        raise not_ours(path)
    if not re.fullmatch(r"\w[\w.-]*", str(content.get("run_id"))):  # becomes a folder's name: no way out of outputs/
        raise not_ours(path)
    if content.get("chapter") != chapter.name:
        raise InputError(f"checkpoint {path} is from chapter {content.get('chapter')}, not from {chapter.name}")
    return content


def trained_weights(content: dict[str, Any]) -> dict[str, Tensor]:
    """The weights to use a model with: the moving average where one was kept."""
    return {**content["model"], **(content["average"] or {})}
