"""A lock on a file, held by a process for as long as it lives."""

import errno
import logging
import os
from pathlib import Path

from utils.errors import InputError
from utils.files import cannot_write, make_folder

log = logging.getLogger(__name__)

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}
"""How a file system says that it has no locks: NFS without its lock service, some of FUSE."""


def lock_file(descriptor: int, how: int, what: str) -> None:
    """Lock an open file as `fcntl.flock` does; a file system without locks costs one warning, and no lock.

    Args:
        descriptor: The open file.
        how: Flags of `fcntl.flock`.
        what: What is locked, for the warning.

    Raises:
        OSError: Another process holds it, where `how` says not to wait.
    """
    import fcntl

    try:
        fcntl.flock(descriptor, how)
    except OSError as error:
        warn_or_raise(error, what)


def warn_or_raise(error: OSError, what: str) -> None:
    """Warn that `what` is not locked if `error` says that the file system has no locks; raise any other error."""
    if error.errno not in _NO_LOCKS:
        raise error
    log.warning("%s is not locked, its file system has no locks: see that no other process works on it", what)


class ProcessLock:
    """Within this, no other process can enter with the same path.

    The system frees the lock when the process ends, however it ends, so a file that a killed process left is no
    obstacle. The lock belongs to the process alone (a POSIX record lock): DataLoader workers, which may outlive a
    killed training for some seconds, do not hold it. Where the file system has no locks, and on systems other than
    POSIX, nothing is checked.

    Args:
        path: The lock file; gone again afterwards.
        what: What is locked, for the message.
    """

    def __init__(self, path: Path, what: str) -> None:
        self.path, self.what = path, what
        self._descriptor = -1

    def __enter__(self) -> "ProcessLock":
        try:
            make_folder(self.path.parent)
            while not self._try():
                pass  # the holder ended, and took its file with it, between our opening and our locking it
        except OSError as error:
            raise cannot_write(self.path, error) from error
        return self

    def __exit__(self, *_: object) -> None:
        self.path.unlink(missing_ok=True)  # before it is freed, so that nobody can lock a file about to go
        os.close(self._descriptor)

    def _try(self) -> bool:
        """Lock the file that is at the path; False where another one is there by now."""
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            if os.name == "posix":
                self._lock()
            if os.path.samestat(os.fstat(self._descriptor), os.stat(self.path)):
                return True
        except (BlockingIOError, PermissionError):  # POSIX allows both for a lock that is taken
            os.close(self._descriptor)
            message = f"another process is at work on {self.what}; wait until it ends, or stop it (lock: {self.path})"
            raise InputError(message, code="locked", where=str(self.path)) from None
        except FileNotFoundError:
            pass
        os.close(self._descriptor)
        return False

    def _lock(self) -> None:
        import fcntl

        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            warn_or_raise(error, self.what)
