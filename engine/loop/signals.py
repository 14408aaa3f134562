"""Ctrl-C and SIGTERM: noted when they come, acted on between two steps."""

import signal
import threading
from types import FrameType
from typing import Any


class StopSignals:
    """While open, the first SIGINT or SIGTERM only sets `received`; a second one ends the process as usual.

    A signal that is ignored on entry stays ignored, as a shell has it for what runs in its background.

    May be opened several times over, for runs that train together; only the first and the last time count.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._previous: dict[int, Any] = {}
        self._opened = 0

    def __enter__(self) -> "StopSignals":
        self._opened += 1
        in_main_thread = threading.current_thread() is threading.main_thread()  # only there may handlers be set
        if self._opened == 1 and in_main_thread:
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        self._opened -= 1
        if self._opened == 0:
            self._restore()

    def _note(self, number: int, _: FrameType | None) -> None:
        self.received = number
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}
