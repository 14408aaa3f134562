"""The time a run has trained, across restarts, and whether a checkpoint is due by it."""

import time


class Timer:
    """Counts seconds of training; stands still before `start`."""

    def __init__(self) -> None:
        self._before = 0.0
        self._started: float | None = None
        self._saved = self._lap = time.monotonic()
        self._save_seconds = float("inf")

    def save_every(self, minutes: float | None) -> None:
        """Ask for a checkpoint after this much time; None never does."""
        self._save_seconds = float("inf") if minutes is None else 60 * minutes

    def start(self) -> None:
        """Begin to count."""
        self._started = self._saved = self._lap = time.monotonic()

    def restore(self, seconds: float) -> None:
        """Count on from what a checkpoint had counted."""
        self._before = seconds

    @property
    def seconds(self) -> float:
        """Seconds of training so far."""
        return self._before + (time.monotonic() - self._started if self._started is not None else 0.0)

    def lap(self) -> float:
        """Seconds since the last call; never 0."""
        now = time.monotonic()
        elapsed, self._lap = max(now - self._lap, 1e-9), now
        return elapsed

    @property
    def save_is_due(self) -> bool:
        """Whether the last checkpoint is too long ago."""
        return time.monotonic() - self._saved > self._save_seconds

    def saved(self) -> None:
        """A checkpoint was written now."""
        self._saved = time.monotonic()
