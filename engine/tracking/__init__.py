"""Trackers: copies of the record elsewhere. None of them can stop a run."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.config import TrackingConfig
from engine.tracking.base import Row, RunInfo, Tracker
from engine.tracking.worker import Action, TrackerWorker
from utils.errors import unknown

__all__ = ["TRACKERS", "RunInfo", "Tracker", "Trackers", "build_tracker", "build_trackers", "wanted_trackers"]

_FINISH_SECONDS = 60.0
"""For everything to get where it is shown, once the run is over. A database on a busy disk needs some of it."""
_HURRIED_SECONDS = 10.0
"""The same after a signal: whoever sent it kills the process if it does not end, after half a minute as a rule."""


class Trackers:
    """The trackers of a run, each on a lane of its own."""

    def __init__(self, trackers: Sequence[Tracker]) -> None:
        self._lanes = [TrackerWorker(tracker) for tracker in trackers]

    def start(self, run: RunInfo) -> None:
        """Open the run everywhere."""
        self._each(lambda tracker: tracker.start(run))

    def log(self, rows: list[Row]) -> None:
        """Show rows of the record."""
        for lane in self._lanes:
            lane.put(rows)

    def figures(self, pictures: Mapping[str, Path], step: int) -> None:
        """Show pictures, by name."""

        def show(tracker: Tracker) -> None:
            for name, path in pictures.items():
                tracker.figure(name, path, step)

        self._each(show)

    def checkpoint(self, files: Sequence[Path], aliases: Sequence[str], metadata: Mapping[str, Any]) -> None:
        """Keep checkpoints."""
        self._each(lambda tracker: tracker.checkpoint(files, aliases, metadata))

    def finish(self, status: str) -> None:
        """Close the run everywhere; returns when all have, or when waiting any longer is in vain."""
        self._each(lambda tracker: tracker.finish(status))
        deadline = time.monotonic() + (_HURRIED_SECONDS if status == "interrupted" else _FINISH_SECONDS)
        for lane in self._lanes:
            lane.close(deadline)

    def _each(self, action: Action) -> None:
        for lane in self._lanes:
            lane.put(action)


TRACKERS = ("tensorboard", "wandb", "mlflow")


def build_trackers(config: TrackingConfig) -> Trackers:
    """The trackers that the config asks for."""
    return Trackers([build_tracker(name, config) for name in wanted_trackers(config)])


def wanted_trackers(config: TrackingConfig) -> list[str]:
    """The names of the trackers that the config asks for."""
    wanted = {"tensorboard": config.tensorboard, "wandb": config.wandb.enabled, "mlflow": config.mlflow.enabled}
    return [name for name in TRACKERS if wanted[name]]


def build_tracker(name: str, config: TrackingConfig) -> Tracker:
    """The tracker called `name`; its client is imported only now."""
    match name:
        case "tensorboard":
            from engine.tracking.tensorboard import TensorBoardTracker

            return TensorBoardTracker()
        case "wandb":
            from engine.tracking.wandb_tracker import WandbTracker

            return WandbTracker(config.wandb)
        case "mlflow":
            from engine.tracking.mlflow import MlflowTracker

            return MlflowTracker(config.mlflow)
    raise unknown("tracker", name, TRACKERS)
