"""What a checkpoint of a training holds, and how a training goes on from it."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from engine.checkpoint.file import load_checkpoint, load_weights, not_ours
from engine.checkpoint.resolve import resolve_checkpoint
from engine.device.fsdp import local_shard
from engine.loop.metric_buffer import NonFinite
from utils.errors import InputError
from utils.seeds import derived_seed, random_state, restore_random_state, seed_everything

if TYPE_CHECKING:
    from engine.trainer import Trainer


log = logging.getLogger(__name__)

_NEEDED = {"chapter", "run_id", "config", "step", "model", "average"}  # by an evaluation or a new run


def capture_state(trainer: Trainer) -> dict[str, Any]:
    """Everything that the rest of the training depends on, and what an evaluation needs to know.

    Of several ranks all call this together. Any number of ranks can go on from what rank 0 gets.

    Raises:
        NonFinite: A weight is not finite; the loss shows that at the next step only, too late for the checkpoint.
    """
    bad = [name for name, values in trainer.model.state_dict().items() if not local_shard(values).isfinite().all()]
    if bad := [name for found in trainer.world.gather(bad[:1]) for name in found]:
        raise NonFinite(
            f"{bad[0]} is not finite after step {trainer.step}: lower the learning rate or set trainer.clip_norm",
            trainer.step,
        )
    window, random = zip(*trainer.world.gather((trainer.window.state(), random_state())), strict=True)
    return {
        "chapter": trainer.run.chapter.name,
        "run_id": trainer.run.run_id,
        "config": trainer.config.model_dump(mode="json"),
        "data": trainer.splits.description.model_dump(mode="json"),
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
        "window": [row for rows in window for row in rows],
        "random": random[0],
        "random_of_other_ranks": list(random[1:]),
    }


def start(trainer: Trainer) -> None:
    """Start from a checkpoint where one is named; a run that was stopped before its first one starts over."""
    run, reference = trainer.run, trainer.run.options.load_checkpoint
    if run.options.resume:
        if (content := trainer.saver.newest()) is not None:
            restore_state(trainer, content)
            return
        log.info("no checkpoint yet: starting over")
    if reference is not None:
        path = trainer.world.from_main(lambda: resolve_checkpoint(reference, run.outputs))
        load_weights(trainer.model, trained_weights(trainer.saver.read(path)), str(path))
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
    if trainer.world.is_main:  # a sum over ranks does not care which of them holds a part
        trainer.window.restore(content["window"])
    trainer.clock.restore(content["seconds"])
    trainer.step, trainer.evaluated_at = content["step"], content["evaluated_at"]
    trainer.latest, trainer.recorded_bytes = content["latest"], content["recorded_bytes"]
    states = dict(enumerate([content["random"], *content["random_of_other_ranks"]]))
    trainer.random = states.get(trainer.world.rank)


def seed_training(trainer: Trainer) -> None:
    """From here on every draw depends on the seed, the step and the rank, whatever was drawn before."""
    rank, seed = trainer.world.rank, trainer.config.seed
    if trainer.random is not None:
        restore_random_state(trainer.random)
    elif rank == 0:
        seed_everything(derived_seed(seed, "training"))
    else:
        seed_everything(derived_seed(seed, "training", rank, trainer.step))


def results_of(trainer: Trainer) -> dict[str, Any]:
    """How the training stands, for `metrics.json`."""
    return {
        "step": trainer.step,
        "epoch": trainer.step / trainer.plan.steps_per_epoch,
        "seconds": trainer.clock.seconds,
        "last": trainer.latest,
        "best": trainer.best.summary(),
        "parameters": sum(parameter.numel() for parameter in trainer.model.parameters()),
        "model_bytes": sum(tensor.nbytes for tensor in trainer.model.state_dict().values()),
        "data": trainer.splits.fingerprint,
    }


def read_checkpoint(path: Path, chapter: Path, load: Callable[[Path], dict[str, Any]] | None = None) -> dict[str, Any]:
    """The content of a checkpoint, in one file or sharded, that a training of `chapter` wrote.

    Args:
        path: The checkpoint.
        chapter: The chapter's folder.
        load: Reads it; without it all tensors are read in full.

    Raises:
        InputError: It cannot be used, or comes from another chapter.
    """
    content = (load or load_whole)(path)
    if not content.keys() >= _NEEDED:
        raise not_ours(path)
    if not re.fullmatch(r"\w[\w.-]*", str(content.get("run_id"))):  # becomes a folder's name: no way out of outputs/
        raise not_ours(path)
    if content.get("chapter") != chapter.name:
        raise InputError(f"checkpoint {path} is from chapter {content.get('chapter')}, not from {chapter.name}")
    return content


def load_whole(path: Path) -> dict[str, Any]:
    """The content of a checkpoint of either form, every tensor in full and on the CPU.

    Raises:
        InputError: It cannot be used.
    """
    if path.suffix != ".dcp" or not path.is_dir():
        return load_checkpoint(path)
    from engine.checkpoint.sharded import load_sharded, verify_sharded  # what it imports is slow to load

    verify_sharded(path)
    return load_sharded(path, lambda shape, dtype: torch.empty(shape, dtype=dtype))


def trained_weights(content: dict[str, Any]) -> dict[str, Tensor]:
    """The weights to use a model with: the moving average where one was kept."""
    return {**content["model"], **(content["average"] or {})}
