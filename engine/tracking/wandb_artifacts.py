"""Checkpoints that lie on wandb: what a reference to one looks like, and how it gets here."""

import re
import tempfile
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from engine.tracking.wandb_client import (
    ANSWER_SECONDS,
    close_client,
    explain,
    first_line,
    mode,
    open_client,
    require_login,
)
from utils.errors import InputError, RunError
from utils.files import cannot_write
from utils.timeouts import Background

STALL_SECONDS = 15
"""A download during which nothing arrives for so long is given up."""

_REFERENCE = re.compile(r"(?:[\w.-]+/){0,2}(?P<name>[\w.-]+):[\w.-]+")


def is_artifact_reference(text: str) -> bool:
    """Whether `text` has the form of a wandb artifact, `[[entity/]project/]name:alias`; nobody is asked."""
    return _REFERENCE.fullmatch(text) is not None


def fetch_artifact(reference: str, into: Path) -> Path:
    """Download a version of an artifact from wandb, unless it is there already.

    To be called while no run is open: it starts and ends a wandb client of its own.

    Args:
        reference: `[[entity/]project/]name:alias`; what is left out is the user's default.
        into: The folder in which the version gets a folder of its own, `<name>-v<number>`.

    Returns:
        The version's folder. It appears only when it is complete and every file has the digest of the manifest.

    Raises:
        InputError: Not logged in, a key that is refused, no such artifact, or one that must not be unpacked.
        RunError: No network, a server that does not answer, or a download that broke off.
    """
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise InputError(f"'{reference}' is no wandb artifact: write entity/project/name:alias")
    try:
        into.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=into, prefix=".fetching-") as scratch:
            wandb = open_client(Path(scratch))
            try:
                return _fetch(wandb, reference, into / match["name"], Path(scratch) / "files")
            finally:
                close_client(wandb)
    except OSError as error:
        raise cannot_write(into, error) from error


def _fetch(wandb: Any, reference: str, target: Path, partial: Path) -> Path:
    if mode(wandb) != "online":
        raise InputError(f"cannot fetch {reference} while WANDB_MODE is {mode(wandb)}; unset it")
    require_login(wandb)
    try:
        artifact = wandb.Api(timeout=ANSWER_SECONDS).artifact(reference)
        entries = artifact.manifest.entries
    except Exception as error:  # the client raises many classes, and plain ones
        if "not found" in str(error):
            raise InputError(f"there is no artifact {reference} on wandb") from error
        raise explain(wandb, error) from error
    for name, entry in entries.items():
        _refuse_if_hostile(reference, name, entry)
    folder = target.with_name(f"{target.name}-v{int(artifact.version.removeprefix('v'))}")
    if not folder.is_dir():
        _download(artifact, reference, partial)
        partial.replace(folder)
    return folder


def _refuse_if_hostile(reference: str, name: str, entry: Any) -> None:
    """A file must lie inside its artifact, in name and in fact."""
    for path in (PurePosixPath(name), PureWindowsPath(name)):
        if path.is_absolute() or path.drive or path.root or ".." in path.parts:
            raise InputError(f"{reference} is refused: its file '{name}' would be written outside its folder")
    if entry.ref is not None:
        raise InputError(f"{reference} is refused: its file '{name}' is a link to {entry.ref}")


def _download(artifact: Any, reference: str, partial: Path) -> None:
    """Fetch every file, one after the other on one thread: one that hangs must not keep the process alive."""

    def fetch() -> None:
        for name in artifact.manifest.entries:
            artifact.get_entry(name).download(str(partial), skip_cache=True)
        artifact.verify(str(partial))

    partial.mkdir()
    download, seen = Background(fetch), 0
    while True:
        try:
            return download.wait(STALL_SECONDS)
        except TimeoutError as error:
            arrived = _size(partial.parent)
            if arrived == seen:
                raise RunError(f"the download of {reference} has stopped; try again") from error
            seen = arrived
        except Exception as error:
            raise RunError(f"the download of {reference} broke off ({first_line(error)}); try again") from error


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
