"""Files that are either whole or not there: written beside their final name, synced, then renamed."""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from utils.errors import RunError


def write_atomic(path: Path, content: str | bytes | memoryview, check: Callable[[Path], object] | None = None) -> None:
    """Put `content` at `path` so that a crash at any moment leaves the old file or the new one, never a part.

    Args:
        path: The final name; its folder is made if needed.
        content: The bytes, or the text (written as UTF-8).
        check: Called with the finished file before it takes its final name; what it raises leaves the old file.

    Raises:
        RunError: The folder cannot be written or the disk is full; the old file is untouched.
    """
    if isinstance(content, str):
        content = content.encode()
    temporary: Path | None = None
    try:
        make_folder(path.parent)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if check is not None:
            check(temporary)
        os.chmod(temporary, 0o644)  # mkstemp makes private files; results are meant to be read
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)  # gone already where the rename succeeded


def leftovers(folder: Path) -> list[Path]:
    """What killed writers left in `folder`, files of `write_atomic` and folders; only where nobody is writing now."""
    return sorted(path for path in folder.glob(".*") if re.fullmatch(r"\..+\.[a-z0-9_]{8}", path.name))


def remove_leftovers(folder: Path) -> None:
    """Delete the `leftovers` in `folder`."""
    for path in leftovers(folder):
        delete(path)


def delete(path: Path) -> None:
    """Delete a file, or a folder and all in it; nothing happens where there is none.

    Raises:
        OSError: The system refuses.
    """
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def size_of(path: Path) -> int:
    """Bytes in a file, or in the files of a folder."""
    return sum(each.stat().st_size for each in path.iterdir()) if path.is_dir() else path.stat().st_size


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_folder(folder: Path) -> None:
    """Make `folder`, and those above it where they are missing, so that they are still there after a power cut."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` durable (POSIX; other systems have no folder to sync)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def cannot_write(path: Path, error: OSError) -> RunError:
    """The one line for a write that the system refused."""
    return RunError(f"cannot write {path}: {error.strerror or error}; free some space or choose a writable folder")
