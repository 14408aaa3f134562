"""How a run stops early: signals are noted when they come, and all ranks act on them after the same step."""

import signal
import threading
import time
from types import FrameType
from typing import Any

from engine.device.world import World
from engine.loop.timer import Timer
from utils.errors import Interrupted

_SECONDS = 1.0
"""How long a signal to one rank may wait until the others hear of it, where steps are shorter than that."""


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


class StopAgreement:
    """Agrees among the ranks on two things that one of them may see first: a signal, and a checkpoint that is due.

    Several ranks compare notes about once a second, not after each step. How many steps make a second is agreed upon
    as well, so that all ranks meet after the same one.
    """

    def __init__(self, world: World, signals: StopSignals, timer: Timer) -> None:
        self.world, self.signals, self.timer = world, signals, timer
        self.signal: int | None = None
        """The signal on which all ranks stop now."""
        self.save_is_due = False
        """Whether all ranks save now, because of the time since the last checkpoint."""
        self.meetings = 0
        self.check_next()

    @property
    def is_agreed(self) -> bool:
        """Whether all ranks stop now."""
        return self.signal is not None

    def check_next(self) -> None:
        """Compare notes at the next check: what is done between two checks takes another time from now on."""
        self._every = self._left = 1
        self._last = time.monotonic()

    def check(self) -> None:
        """To be called by all ranks at the same places: after a step, between two batches of an evaluation."""
        if self.world.size == 1:
            self.signal, self.save_is_due = self.signals.received, self.timer.save_is_due
            return
        self.save_is_due = False
        self._left -= 1
        if self._left > 0:
            return
        notes = self.world.gather((self.signals.received, self.timer.save_is_due, time.monotonic() - self._last))
        self.meetings += 1
        self.signal = next((received for received, _, _ in notes if received is not None), None)
        self.save_is_due = notes[0][1]
        seconds = max(seconds for _, _, seconds in notes)
        self._every = max(1, min(2 * self._every, int(self._every * _SECONDS / max(seconds, 1e-9))))
        self._left, self._last = self._every, time.monotonic()

    def raise_if_stopped(self, message: str) -> None:
        """Raise `Interrupted` if all ranks stop."""
        if self.signal is not None:
            raise Interrupted(self.signal, message)

    def check_while_evaluating(self) -> None:
        """Check, and raise `Interrupted` if all ranks stop."""
        self.check()
        self.raise_if_stopped("stopped while evaluating")
