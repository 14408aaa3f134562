"""Threads that do the long work, and how long the oldest piece of it has been there."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic
from typing import Any


class WatchedPool(ThreadPoolExecutor):
    """A pool of threads that knows how long its oldest work waits or runs."""

    def __init__(self, threads: int, name: str) -> None:
        super().__init__(threads, name)
        self._since: dict[Future[Any], float] = {}

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **named: Any) -> "Future[Any]":
        """As `ThreadPoolExecutor.submit`."""
        future = super().submit(work, *arguments, **named)
        self._since[future] = monotonic()
        future.add_done_callback(self._forget)
        return future

    def oldest(self) -> float:
        """Seconds since the oldest work that is not done was handed in; 0 where there is none."""
        now = monotonic()
        return max((now - since for since in list(self._since.values())), default=0.0)

    def _forget(self, future: "Future[Any]") -> None:
        del self._since[future]
