"""Files that are either whole or not there: written beside their final name, synced, then renamed."""

import errno
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from utils.errors import RunError

_NOT_OFFERED = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EACCES, errno.EPERM, errno.EBADF}
"""How file systems refuse to sync a folder."""
_ADVICE = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "free some space, or choose a folder on another disk"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "choose a folder that you may write"),
    **dict.fromkeys((errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOENT), "choose another path"),
    errno.ENAMETOOLONG: "choose a shorter path",
    errno.ENOMEM: "end other programs, or choose a smaller model",
    errno.EIO: "look after the disk, or choose a folder on another one",
}


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
        share(temporary, 0o666)
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
    """Make a rename inside `folder` durable, where its file system can: CIFS and some of FUSE refuse to sync folders.

    A disk that fails, or is full, is no such refusal, and its error is raised.
    """
    if os.name != "posix":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # a folder may be written but not listed
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NOT_OFFERED:
            raise
    finally:
        os.close(descriptor)


def share(path: Path, mode: int) -> None:
    """Give what `tempfile` made for its owner alone the mode of any new file (0o666) or folder (0o777): less the umask.

    A file system without modes of its own refuses, which does no harm.
    """
    with suppress(OSError):
        os.chmod(path, mode & ~_umask())


def _umask() -> int:
    """The process's umask; Linux says it without setting it, which other threads would notice."""
    with suppress(OSError, StopIteration), open("/proc/self/status", encoding="utf-8") as status:
        return int(next(line for line in status if line.startswith("Umask:")).split()[1], 8)
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


def cannot_write(path: Path, error: OSError) -> RunError:
    """The one line for a write that the system refused, with the way out that fits its reason."""
    advice = _ADVICE.get(error.errno or 0, "choose a folder on another disk")
    message = f"cannot write {path}: {error.strerror or error}; {advice}"
    return RunError(message, code="cannot-write", where=str(path))
