"""DataLoader workers that leave signals to the process that started them, and end with the reading."""

import atexit
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch.utils.data import DataLoader


@contextmanager
def reading(loader: DataLoader[Any]) -> Iterator[Iterator[Any]]:
    """The batches of `loader`, whose workers are gone afterwards.

    SIGINT and SIGTERM often come to all processes of a group. The one that trains answers them, once it has made the
    step that it is in, and still needs its workers for that.
    """
    with _signals_held():  # a worker inherits that for good
        batches = iter(loader)

    def end() -> None:
        if loader.num_workers:
            batches._shutdown_workers()  # type: ignore[attr-defined]
            for worker in batches._workers:  # type: ignore[attr-defined]
                worker.kill()  # one that hangs; torch would only send it a SIGTERM

    atexit.register(end)  # else Python, at its own end, would wait for workers that wait for it
    try:
        yield batches
    finally:
        atexit.unregister(end)
        end()


@contextmanager
def _signals_held() -> Iterator[None]:
    """Block SIGINT and SIGTERM for as long as it is open; a no-op where the system is not POSIX."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
