"""Checkpoints of a model that is split over ranks: a folder with a file from each, by torch.distributed.checkpoint.

A folder `model_last-<step>.dcp` holds `rest.pt` (all that is not split, an ordinary checkpoint), the ranks' files,
`.metadata` (where in them each tensor lies), and `manifest.json` (a SHA-256 of every file). It is written under another
name and renamed when everything in it was read back and found right.
"""

import json
import shutil
import warnings
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import async_save

from engine.checkpoint.dcp import SCHEMA, Reader, Writer
from engine.checkpoint.file import damaged, load_checkpoint, not_ours, save_checkpoint
from utils.errors import InputError, RunError
from utils.files import cannot_write, sha256_of

_MARK = "tensor in the ranks' files"

Allocate = Callable[[list[int], torch.dtype], Tensor]
"""Makes the tensor, whole or split, that one of the checkpoint's is read into."""


def save_sharded(folder: Path, content: dict[str, Any], main: bool, group: Any) -> "Future[Any]":
    """Begin to write `content`, in which tensors are split over ranks, into the run's `folder`; all ranks together.

    What is to be written is copied before this returns. The older sharded checkpoints in `folder` go when this one is
    in its place.

    Args:
        folder: The run's folder of models.
        content: What `engine.checkpoint.content.capture` gave on each rank.
        main: Whether this is the rank that writes the rest, and renames.
        group: Processes that this may talk to while they train.

    Returns:
        Done when the checkpoint is in its place; it raises what went wrong, on every rank.
    """
    tensors: dict[str, Tensor] = {}
    rest = _take_out(content, (), tensors)
    final = folder / f"model_last-{content['step']}.dcp"
    partial = folder / f".{final.name}.partial_"
    if main:
        shutil.rmtree(partial, ignore_errors=True)  # a killed process left it
        save_checkpoint(partial / "rest.pt", rest)
    torch.distributed.barrier(group)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's own that speak to its developers
        return cast("Future[Any]", async_save(tensors, storage_writer=Writer(partial, final), process_group=group))


def finish_save(pending: "Future[Any]", folder: Path) -> None:
    """Wait for a checkpoint of `save_sharded`.

    Raises:
        RunError: It could not be written; the one before it is still there.
    """
    try:
        pending.result()
    except (Exception, CheckpointException) as error:  # what one rank met comes to all, wrapped
        failures = getattr(error, "failures", None) or {0: (error, None)}
        for reason, _ in failures.values():
            if isinstance(reason, OSError):
                raise cannot_write(folder, reason) from error
        raise RunError(f"cannot write a checkpoint into {folder}: {next(iter(failures.values()))[0]}") from error


def load_sharded(path: Path, allocate: Allocate, together: bool = False) -> dict[str, Any]:
    """The content of a sharded checkpoint, as `capture` gave it.

    Args:
        path: The folder.
        allocate: Makes each tensor to read into: see `Allocate`.
        together: Whether all ranks are here, each to read its part.

    Raises:
        InputError: It is damaged, not ours, or holds code (which is never run).
    """
    rest = load_checkpoint(path / "rest.pt")
    tensors: dict[str, Tensor] = {}
    try:
        content = _put_back(rest, tensors, allocate)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that there is one process is meant
            load(tensors, storage_reader=Reader(path), no_dist=not together)
    except InputError:
        raise
    except (Exception, CheckpointException) as error:
        refusal = next((each for each, _ in getattr(error, "failures", {}).values() if isinstance(each, InputError)), 0)
        raise (refusal if isinstance(refusal, InputError) else damaged(path)) from None
    return cast(dict[str, Any], content)


def verify_sharded(path: Path) -> None:
    """Compare every file of a sharded checkpoint with its manifest.

    Raises:
        InputError: One is missing or altered, or the manifest is of a newer schema.
    """
    try:
        manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
        schema, files = manifest["schema"], dict(manifest["files"])
    except FileNotFoundError:
        raise not_ours(path) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise damaged(path) from None
    if not isinstance(schema, int) or schema > SCHEMA:
        raise InputError(f"checkpoint {path} has schema {schema}, newer than {SCHEMA}; update the project")
    there = {each.name for each in path.iterdir()} - {"manifest.json"}
    if there != files.keys() or any(sha256_of(path / name) != files[name] for name in files):
        raise damaged(path)


def _take_out(value: Any, path: tuple[str, ...], tensors: dict[str, Tensor]) -> Any:
    """`value` with every split tensor replaced by a description, and the tensor put into `tensors`."""
    if isinstance(value, dict):
        return {key: _take_out(item, (*path, str(key)), tensors) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_take_out(item, (*path, str(number)), tensors) for number, item in enumerate(value)]
    if not is_split_tensor(value):
        return value
    key = "/".join(path)
    tensors[key] = value.detach()
    return {_MARK: key, "shape": list(value.shape), "dtype": str(value.dtype).removeprefix("torch.")}


def _put_back(value: Any, tensors: dict[str, Tensor], allocate: Allocate) -> Any:
    """The opposite of `_take_out`: `tensors` gets what is to be read, the result has it where it belongs."""
    if isinstance(value, list):
        return [_put_back(item, tensors, allocate) for item in value]
    if not isinstance(value, dict):
        return value
    if _MARK not in value:
        return {key: _put_back(item, tensors, allocate) for key, item in value.items()}
    dtype = getattr(torch, value["dtype"])
    if not isinstance(dtype, torch.dtype):
        raise TypeError(value["dtype"])
    return tensors.setdefault(value[_MARK], allocate(value["shape"], dtype))


def is_split_tensor(value: Any) -> bool:
    """Whether `value` is a tensor of which each rank has a part (a DTensor)."""
    return isinstance(value, Tensor) and hasattr(value, "full_tensor")


def gathered(value: Any, keep: bool) -> Any:
    """`value` with every split tensor in full, on the CPU; None in their places where it is not to be kept.

    All ranks call this together.
    """
    if isinstance(value, dict):
        return {key: gathered(item, keep) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [gathered(item, keep) for item in value]
    if not is_split_tensor(value):
        return value
    full = value.detach().full_tensor()
    return full.cpu() if keep else None
