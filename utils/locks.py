"""A lock on a file, held by a process for as long as it lives."""

import os
from pathlib import Path

from utils.errors import InputError
from utils.files import cannot_write, make_folder


class ProcessLock:
    """Within this, no other process can enter with the same path.

    The system frees the lock when the process ends, however it ends, so a file that a killed process left is no
    obstacle. The lock belongs to the process alone (a POSIX record lock): DataLoader workers, which may outlive a
    killed training for some seconds, do not hold it. On systems other than POSIX nothing is checked.

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
                import fcntl

                fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(self._descriptor), os.stat(self.path)):
                return True
        except (BlockingIOError, PermissionError):  # POSIX allows both for a lock that is taken
            os.close(self._descriptor)
            raise InputError(
                f"another process is at work on {self.what}; wait until it ends, or stop it (lock: {self.path})"
            ) from None
        except FileNotFoundError:
            pass
        os.close(self._descriptor)
        return False
