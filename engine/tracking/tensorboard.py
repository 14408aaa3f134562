"""Metrics and pictures for TensorBoard, as event files in the run's logs folder."""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.tracking.base import Row, RunInfo


class TensorBoardTracker:
    """Shows a run in TensorBoard; checkpoints stay where they are."""

    name = "tensorboard"

    def __init__(self) -> None:
        self._writer: Any = None
        self._excepthook = threading.excepthook

    def start(self, run: RunInfo) -> None:
        """Open a new event file; what an earlier one says of steps after the checkpoint is hidden."""
        from torch.utils.tensorboard import SummaryWriter

        # The writer's thread keeps its error for our next call, which reports it: a traceback beside it says no more.
        threading.excepthook = lambda died: None if _is_writer(died.thread) else self._excepthook(died)
        purge_step = None if run.resumed_at is None else run.resumed_at + 1
        self._writer = SummaryWriter(str(run.logs), purge_step=purge_step)

    def log(self, rows: Sequence[Row]) -> None:
        """One event for each row; `add_scalar` would make one for each value, at several times the cost."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        for row in rows:
            values = [Summary.Value(tag=name, simple_value=row[name]) for name in row if name != "step"]
            self._writer.file_writer.add_summary(Summary(value=values), int(row["step"]))

    def figure(self, name: str, path: Path, step: int) -> None:
        """Show the picture under its name."""
        import numpy as np
        from PIL import Image

        with Image.open(path) as picture:
            pixels = np.asarray(picture.convert("RGB"))
        self._writer.add_image(name, pixels, global_step=step, dataformats="HWC")

    def checkpoint(self, files: Sequence[Path], aliases: Sequence[str], metadata: Mapping[str, Any]) -> None:
        """TensorBoard keeps no files."""

    def finish(self, status: str) -> None:
        """Write what is left and close the file."""
        self._writer.close()
        threading.excepthook = self._excepthook


def _is_writer(thread: threading.Thread | None) -> bool:
    return type(thread).__module__.startswith("tensorboard.")
