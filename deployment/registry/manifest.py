"""The list of a bundle's files with the SHA-256 of each; its own SHA-256 says which bundle it is."""

import json
import re
from pathlib import Path
from typing import Any

from utils.errors import RunError
from utils.files import sha256_of, write_atomic

MANIFEST = "manifest.json"
CHECKPOINT = "model.pt"
"""The file of a bundle that a server needs."""
SCHEMA = 1
_PLAIN = re.compile(r"\w[\w.-]*")  # no folders, so no way out of the one that a bundle is put into


def seal(folder: Path) -> str:
    """Write the manifest of everything in `folder`.

    Returns:
        The digest of the bundle, 64 hex digits.

    Raises:
        RunError: The disk is full.
    """
    files = {path.name: sha256_of(path) for path in sorted(folder.iterdir())}
    write_atomic(folder / MANIFEST, json.dumps({"schema": SCHEMA, "files": files}, indent=2) + "\n")
    return sha256_of(folder / MANIFEST)


def listed(path: Path, digest: str, where: str) -> dict[str, str]:
    """The names of a bundle's files and their SHA-256, from a manifest that has the `digest` it should have.

    Args:
        path: The manifest.
        digest: What the registry says its SHA-256 is.
        where: What the manifest is of, for the message.

    Raises:
        RunError: It is missing, altered, of a newer schema, or names a file that no bundle has.
    """
    if not path.is_file():
        raise RunError(f"{where} has no {MANIFEST}; register the run again")
    if sha256_of(path) != digest:
        raise RunError(f"{where}: {MANIFEST} is not the one that was registered; register the run again")
    content: Any = json.loads(path.read_text(encoding="utf-8"))
    if content["schema"] > SCHEMA:
        raise RunError(f"{where}: {MANIFEST} has schema {content['schema']}, newer than {SCHEMA}; update the project")
    files: dict[str, str] = content["files"]
    if strange := [name for name in files if not _PLAIN.fullmatch(name)]:
        raise RunError(f"{where}: {MANIFEST} names '{strange[0]}', which is not a plain file name; it was refused")
    return files


def verify(folder: Path, digest: str, where: str) -> None:
    """Return if `folder` is the bundle with `digest`, file by file, and holds nothing else.

    Raises:
        RunError: Something is missing, altered or too much; the message names it.
    """
    files = listed(folder / MANIFEST, digest, where)
    for name, expected in files.items():
        path = folder / name
        if not path.is_file():
            raise RunError(f"{where} lacks {name}; register the run again")
        if sha256_of(path) != expected:
            raise RunError(f"{where}: {name} is not what was registered; register the run again")
    if extra := sorted({path.name for path in folder.iterdir()} - {*files, MANIFEST}):
        raise RunError(f"{where} holds {extra[0]}, which was not registered; delete it, or load into another folder")
