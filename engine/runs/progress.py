"""How far a run is: a bar on a terminal, plain lines elsewhere."""

import logging
import sys
import time
from collections.abc import Mapping
from typing import Any

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Shows the step and the latest figures of a run.

    Args:
        total: Steps in the run.
        start: Steps taken before.
        shown: False on all ranks but the first.
        label: Stands before the figures, where several runs train together.
    """

    def __init__(self, total: int, start: int, shown: bool = True, label: str = "") -> None:
        self.total, self._label = total, f"{label}: " if label else ""
        self._bar: Any = None
        self._figures: dict[str, float] = {}
        self._last_line = time.monotonic()
        if shown and sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(
                desc=label or None, total=total, initial=start, unit="step", dynamic_ncols=True, leave=False
            )

    def update(self, step: int, row: Mapping[str, float]) -> None:
        """Show that `step` is done, with the losses, accuracies and errors in `row`; the log gets all of it."""
        log.debug("%s", "  ".join(f"{name} {value:.6g}" for name, value in row.items()))
        shown = ("loss", "accuracy", "error")
        self._figures |= {name: value for name, value in row.items() if name.rpartition("/")[2] in shown}
        if self._bar is not None:
            self._bar.set_postfix_str(self._text(), refresh=False)
            self._bar.update(step - self._bar.n)
        elif time.monotonic() - self._last_line >= _SECONDS_BETWEEN_LINES:
            log.info("%sstep %d of %d  %s", self._label, step, self.total, self._text())
            self._last_line = time.monotonic()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def _text(self) -> str:
        return "  ".join(f"{name} {value:.4g}" for name, value in self._figures.items())
