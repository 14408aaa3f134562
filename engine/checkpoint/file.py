"""Checkpoints that are whole, checked and harmless: tensors and plain data with a digest, never code."""

import hashlib
import io
import json
import math
import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from utils.errors import InputError, RunError
from utils.files import write_atomic

SCHEMA = 1
_ADVICE = "name another checkpoint or train again"


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write `content` (nested dicts and lists of tensors and plain values), then read it back and compare.

    The file is an ordinary `torch.save` of `{"schema", "digest", "content"}`.

    Raises:
        RunError: The folder cannot be written, or the disk is full; the checkpoint that was there is untouched.
    """
    # Through memory: torch's writer can abort the process where a file object fails, and a full disk must not.
    buffer = io.BytesIO()
    torch.save({"schema": SCHEMA, "digest": digest(content), "content": _compact(content)}, buffer)

    def read_back(written: Path) -> None:
        try:
            load_checkpoint(written)
        except InputError:
            raise RunError(
                f"cannot write {path}: what was read back was not what was written; check the disk"
            ) from None

    write_atomic(path, buffer.getbuffer(), check=read_back)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """The content of a checkpoint, on the CPU, verified against its digest.

    Raises:
        InputError: It is missing, a folder, empty, cut short, altered, not ours, of a newer schema, or holds code
            (which is never run).
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder, not a checkpoint; name the .pt file in it")
    if not path.exists():
        raise InputError(f"there is no checkpoint {path}; {_ADVICE}")
    if path.stat().st_size == 0:
        raise InputError(f"checkpoint {path} is empty; {_ADVICE}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch muses about files that are about to be refused
            document = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        if zipfile.is_zipfile(path) or path.read_bytes().startswith(pickle.PROTO):
            raise InputError(f"checkpoint {path} holds more than tensors and was refused; {_ADVICE}") from None
        raise damaged(path) from None
    except PermissionError as error:
        raise InputError(f"cannot read checkpoint {path}: {error.strerror}") from None
    except Exception:  # torch reports damage to the archive by many types; all mean the same to the reader
        raise damaged(path) from None
    if not isinstance(document, dict) or not {"schema", "digest", "content"} <= document.keys():
        raise not_ours(path)
    if not isinstance(document["schema"], int) or document["schema"] > SCHEMA:
        raise InputError(f"checkpoint {path} has schema {document['schema']}, newer than {SCHEMA}; update the project")
    content = document["content"]
    try:
        whole = digest(content) == document["digest"]
    except TypeError:  # neither a tensor nor plain data
        raise not_ours(path) from None
    if not whole:
        raise damaged(path)
    if not isinstance(content, dict):
        raise not_ours(path)
    return content


def peek_step(path: Path) -> float:
    """The step of a checkpoint, read without its tensors and not verified; infinite where the file has none."""
    try:
        return int(torch.load(path, map_location="cpu", weights_only=True, mmap=True)["content"]["step"])
    except Exception:  # what is wrong with the file is for `load_checkpoint` to say
        return math.inf


def load_weights(model: nn.Module, weights: dict[str, Tensor], source: str) -> None:
    """Put `weights` into `model`; raises as `check_weights`."""
    check_weights(model, weights, source)
    model.load_state_dict(weights)


def check_weights(model: nn.Module, weights: dict[str, Tensor], source: str) -> None:
    """Make sure that `weights`, which come from `source`, are of a model like `model`.

    Raises:
        InputError: A name or a shape does not fit; the message names the first.
    """
    own = model.state_dict()
    for name in dict.fromkeys([*own, *weights]):
        if name not in weights:
            raise InputError(f"{source} has no '{name}', which this model needs; was it made by another model?")
        if name not in own:
            raise InputError(f"{source} has '{name}', which this model lacks; was it made by another model?")
        if own[name].shape != weights[name].shape:
            there, here = list(weights[name].shape), list(own[name].shape)
            raise InputError(
                f"{source} has '{name}' of shape {there}, this model needs {here}; "
                "use the model settings and the experiment that it was trained with"
            )


def digest(content: Any) -> str:
    """SHA-256 over every tensor and every plain value of nested dicts, lists and tuples."""
    sha = hashlib.sha256()
    _feed(sha, content)
    return sha.hexdigest()


def _compact(value: Any) -> Any:
    """`value` with tensors of their own for those that are a part of a larger one, which would be saved whole."""
    if isinstance(value, Tensor):
        return value.clone() if value.untyped_storage().nbytes() > value.nbytes else value
    if isinstance(value, dict):
        return {key: _compact(item) for key, item in value.items()}
    return type(value)(_compact(item) for item in value) if isinstance(value, list | tuple) else value


def _feed(sha: Any, value: Any) -> None:
    if isinstance(value, Tensor):
        flat = value.detach().cpu().contiguous().reshape(-1)
        sha.update(f"tensor {value.dtype} {list(value.shape)}\n".encode())
        sha.update(flat.view(torch.uint8).numpy().data if flat.numel() else b"")
    elif isinstance(value, dict):
        sha.update(f"dict {len(value)}\n".encode())
        for key, item in value.items():
            sha.update(f"{key!r}\n".encode())
            _feed(sha, item)
    elif isinstance(value, list | tuple):
        sha.update(f"list {len(value)}\n".encode())
        for item in value:
            _feed(sha, item)
    else:
        sha.update(f"{json.dumps(value)}\n".encode())  # raises TypeError for anything that is not plain data


def not_ours(path: Path) -> InputError:
    """The error for a file that is whole but was not written by a training."""
    return InputError(f"{path} is not a checkpoint of this project; {_ADVICE}")


def damaged(path: Path) -> InputError:
    """The error for a file that is not what was written."""
    return InputError(f"checkpoint {path} is damaged or cut short; {_ADVICE}")
