"""Metrics and pictures for TensorBoard, as event files in the run's logs folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.tracking.base import Row, RunInfo
from engine.tracking.event_file import EventFile


class TensorBoardTracker:
    """Shows a run in TensorBoard; checkpoints stay where they are."""

    name, together = "tensorboard", 0.0

    def __init__(self) -> None:
        self._events: EventFile | None = None

    def start(self, run: RunInfo) -> None:
        """Open a new event file; what an earlier one says of steps after the checkpoint is hidden."""
        self._events = EventFile(run.logs, purge_step=None if run.resumed_at is None else run.resumed_at + 1)

    def log(self, rows: Sequence[Row]) -> None:
        """One event for each row."""
        assert self._events is not None
        for row in rows:
            values = {name: float(row[name]) for name in row if name != "step"}
            self._events.scalars(values, int(row["step"]))

    def figure(self, name: str, path: Path, step: int) -> None:
        """Show the picture, a PNG file, under its name."""
        assert self._events is not None
        self._events.picture(name, path.read_bytes(), step)

    def checkpoint(self, files: Sequence[Path], aliases: Sequence[str], metadata: Mapping[str, Any]) -> None:
        """TensorBoard keeps no files."""

    def finish(self, status: str) -> None:
        """Close the file."""
        if self._events is not None:
            self._events.close()
