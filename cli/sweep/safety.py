"""What keeps a sweep whole: signals that are noted, and a journal mended after a kill."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType


def mend(journal: Path) -> None:
    """Take away what a kill can leave: half a last line, which no reader forgives, and the lock of a dead writer."""
    Path(f"{journal}.lock").unlink(missing_ok=True)
    if journal.exists():
        content = journal.read_bytes()
        if not content.endswith(b"\n"):
            with journal.open("rb+") as file:
                file.truncate(content.rfind(b"\n") + 1)


@contextmanager
def noted_signals() -> Iterator[list[int]]:
    """Within this, signals are noted and heeded between two steps: none gets lost between a process and its entry."""
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)

    heeded = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is not signal.SIG_IGN]
    former = {number: signal.signal(number, note) for number in heeded}
    try:
        yield received
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
