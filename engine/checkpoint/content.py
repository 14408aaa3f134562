"""What a checkpoint of a training holds: a header, and the entries of the parts that learn and keep count."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from data_utils.splits import Splits
from engine.checkpoint.file import load_checkpoint, not_ours
from engine.device.fsdp import local_shard
from engine.device.world import World
from engine.loop.metric_buffer import NonFinite
from engine.runs.run import Run
from utils.errors import InputError

_NEEDED = {"chapter", "run_id", "config", "step", "model", "average"}  # by an evaluation or a new run


@runtime_checkable
class Stateful(Protocol):
    """A part of a training whose state is a part of every checkpoint."""

    def state_dict(self) -> dict[str, Any]:
        """Its entries in the checkpoint, by name: tensors and plain data."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint, which has the entries of all parts."""


def header(run: Run, splits: Splits) -> dict[str, Any]:
    """What each checkpoint says of the run that it belongs to."""
    return {
        "chapter": run.chapter.name,
        "run_id": run.run_id,
        "config": run.config.model_dump(mode="json"),
        "data": splits.description.model_dump(mode="json"),
    }


def capture(header: Mapping[str, Any], parts: Sequence[Stateful], world: World) -> dict[str, Any]:
    """The content of a checkpoint: `header`, and the entries of all `parts`.

    Of several ranks all call this together. Any number of ranks can go on from what rank 0 gets.

    Raises:
        NonFinite: A weight is not finite; the loss shows that at the next step only, too late for the checkpoint.
    """
    content = dict(header)
    for part in parts:
        content |= part.state_dict()
    bad = [name for name, values in content["model"].items() if not local_shard(values).isfinite().all()]
    if bad := [name for found in world.gather(bad[:1]) for name in found]:
        step = content["step"]
        raise NonFinite(
            f"{bad[0]} is not finite after step {step}: lower the learning rate or set trainer.clip_norm", step
        )
    return content


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
