"""Trackers: copies of the record elsewhere. None of them can stop a run."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.config import TrackingConfig
from engine.tracking.base import Row, RunInfo, Tracker

log = logging.getLogger(__name__)


class Trackers:
    """The trackers of a run; one that raises is reported once and dropped."""

    def __init__(self, trackers: Sequence[Tracker]) -> None:
        self._trackers = list(trackers)

    def start(self, run: RunInfo) -> None:
        """Open the run everywhere."""
        self._each(lambda tracker: tracker.start(run))

    def log(self, rows: Sequence[Row]) -> None:
        """Show rows of the record."""
        self._each(lambda tracker: tracker.log(rows))

    def figure(self, name: str, path: Path, step: int) -> None:
        """Show a picture."""
        self._each(lambda tracker: tracker.figure(name, path, step))

    def checkpoint(self, files: Sequence[Path], aliases: Sequence[str], metadata: Mapping[str, Any]) -> None:
        """Keep checkpoints."""
        self._each(lambda tracker: tracker.checkpoint(files, aliases, metadata))

    def finish(self, status: str) -> None:
        """Close the run everywhere."""
        self._each(lambda tracker: tracker.finish(status))

    def _each(self, action: Callable[[Tracker], str | None]) -> None:
        for tracker in list(self._trackers):
            try:
                if line := action(tracker):
                    log.info(line)
            except Exception as error:  # whatever it is, it is not worth the run
                self._trackers.remove(tracker)
                log.warning("%s failed and is switched off for this run: %s", tracker.name, _one_line(error))


def build_trackers(config: TrackingConfig) -> Trackers:
    """The trackers that the config asks for."""
    trackers: list[Tracker] = []
    if config.tensorboard:
        from engine.tracking.tensorboard import TensorBoardTracker

        trackers.append(TensorBoardTracker())
    if config.wandb.enabled:
        from engine.tracking.weights_and_biases import WandbTracker

        trackers.append(WandbTracker(config.wandb))
    return Trackers(trackers)


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
