"""What keeps a sweep whole: one process at a time, signals that are noted, and a journal mended after a kill."""

import fcntl
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from utils.errors import InputError
from utils.files import cannot_write


def mend(journal: Path) -> None:
    """Take away what a kill can leave: half a last line, which no reader forgives, and the lock of a dead writer."""
    Path(f"{journal}.lock").unlink(missing_ok=True)
    if journal.exists():
        content = journal.read_bytes()
        if not content.endswith(b"\n"):
            with journal.open("rb+") as file:
                file.truncate(content.rfind(b"\n") + 1)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One process at a time runs the sweep in `folder`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "lock").open("w")
    except OSError as error:
        raise cannot_write(folder, error) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"the sweep in {folder} is being run by another process") from None
        yield


@contextmanager
def noted_signals() -> Iterator[list[int]]:
    """Within this, signals are noted and heeded between two steps: none gets lost between a process and its entry."""
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)

    former = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
