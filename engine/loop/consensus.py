"""What all ranks do at the same step because one of them has a reason: stop on a signal, save by the clock."""

import time

from engine.device.world import World
from engine.loop.signals import StopSignals
from engine.loop.timer import Timer
from utils.errors import Interrupted

_SECONDS = 1.0
"""How long a signal to one rank may wait until the others hear of it, where steps are shorter than that."""


class StopAgreement:
    """Looks for such a reason after each step; several ranks compare notes about once a second, not at each step.

    How many steps make a second is agreed upon as well, so that all ranks meet at the same one.
    """

    def __init__(self, world: World, signals: StopSignals, clock: Timer) -> None:
        self.world, self.signals, self.clock = world, signals, clock
        self.stop: int | None = None
        """The signal on which all stop now."""
        self.save = False
        """Whether a checkpoint is due by the clock."""
        self.meetings = 0
        self.hurry()

    def hurry(self) -> None:
        """Compare notes at the next look: what is done between two looks takes another time from now on."""
        self._every = self._left = 1
        self._last = time.monotonic()

    def look(self) -> None:
        """To be called by all ranks at the same places: after a step, between two batches of an evaluation."""
        if self.world.size == 1:
            self.stop, self.save = self.signals.received, self.clock.save_is_due
            return
        self.save = False
        self._left -= 1
        if self._left > 0:
            return
        notes = self.world.gather((self.signals.received, self.clock.save_is_due, time.monotonic() - self._last))
        self.meetings += 1
        self.stop = next((signal for signal, _, _ in notes if signal is not None), None)
        self.save = notes[0][1]
        seconds = max(seconds for _, _, seconds in notes)
        self._every = max(1, min(2 * self._every, int(self._every * _SECONDS / max(seconds, 1e-9))))
        self._left, self._last = self._every, time.monotonic()

    def raise_if_stopped(self, message: str) -> None:
        """Raise `Interrupted` if all stop."""
        if self.stop is not None:
            raise Interrupted(self.stop, message)

    def look_while_evaluating(self) -> None:
        """Look, and raise `Interrupted` if all stop."""
        self.look()
        self.raise_if_stopped("stopped while evaluating")
