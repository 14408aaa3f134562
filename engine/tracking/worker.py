"""One tracker on a thread of its own: it gets its work in order, and can neither stop nor hold up the run."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from itertools import chain, groupby

from engine.tracking.base import Row, Tracker

log = logging.getLogger(__name__)

Action = Callable[[Tracker], str | None]
Work = Action | list[Row] | None
"""Something to do, rows to log, or None for the end."""

_MOST_WAITING = 10_000
"""Pieces of work. A tracker that is further behind hangs, and memory is no place to keep its work."""

_MOST_TOGETHER = 1000
"""Pieces of work that wait for others."""


class TrackerWorker:
    """Hands work to a tracker in the background; one that raises, or hangs, is reported once and dropped."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._waiting: list[Work] = []
        self._changed = threading.Condition()
        self._dropped = False
        self._thread = threading.Thread(target=self._run, name=f"tracker {tracker.name}", daemon=True)
        self._thread.start()

    def put(self, work: Work) -> None:
        """Queue `work` and return at once."""
        with self._changed:
            self._waiting.append(work)
            if not isinstance(work, list) or len(self._waiting) in (1, _MOST_TOGETHER):
                self._changed.notify()
            hangs = len(self._waiting) > _MOST_WAITING
        if hangs:
            self._drop("does not keep up")

    def close(self, deadline: float) -> None:
        """Wait for what is queued until `time.monotonic()` is at `deadline`; nothing is heard of the tracker then."""
        self.put(None)
        self._thread.join(max(0.0, deadline - time.monotonic()))
        if self._thread.is_alive():
            self._drop("has not finished in time")

    def _run(self) -> None:
        for work in self._work():
            if self._dropped:
                return
            try:
                self._do(work)
            except Exception as error:  # whatever it is, it is not worth the run
                self._drop(" ".join(f"failed with {type(error).__name__}: {error}".split()))

    def _do(self, work: Action | list[Row]) -> None:
        if isinstance(work, list):
            self._tracker.log(work)
        elif (line := work(self._tracker)) and not self._dropped:
            log.info("%s", line)

    def _work(self) -> Iterator[Action | list[Row]]:
        """The work in order; rows that wait behind one another come as one list."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                if all(isinstance(work, list) for work in self._waiting) and len(self._waiting) < _MOST_TOGETHER:
                    self._changed.wait(self._tracker.together)
                taken, self._waiting = self._waiting, []
            for are_rows, group in groupby(taken, key=lambda work: isinstance(work, list)):
                if are_rows:
                    yield list(chain.from_iterable(group))  # type: ignore[arg-type]
                    continue
                for action in group:
                    if action is None:
                        return
                    yield action

    def _drop(self, why: str) -> None:
        with self._changed:
            first, self._dropped, self._waiting = not self._dropped, True, [None]
            self._changed.notify()
        if first:
            log.warning("%s %s; it is switched off for this run", self._tracker.name, why)
