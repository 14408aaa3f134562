"""The time that a run has trained, across restarts, and its throughput: examples, tokens and FLOPs per second."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from data_utils.batches import Batch
from engine.device.flops import FlopCounter
from engine.device.world import World
from engine.loop.step import Outputs

log = logging.getLogger(__name__)

Step = Callable[[Sequence[Batch], int, bool], list[Outputs]]
"""`Learner.step`: batches, the number of the step, and whether the norm of the gradient is wanted."""


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

    def state_dict(self) -> dict[str, Any]:
        """Its entry in a checkpoint."""
        return {"seconds": self.seconds}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Count on from what a checkpoint had counted."""
        self._before = state["seconds"]

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


class Throughput:
    """Turns what was done since the last log line into rates.

    Args:
        peak_flops: Operations per second that a rank's device can do at most; None where that is not known.
        world: The ranks that share the work.
    """

    def __init__(self, peak_flops: float | None, world: World | None = None) -> None:
        ranks = world.size if world is not None else 1
        self.peak_flops = None if peak_flops is None else peak_flops * ranks
        self.flops_per_example = 0.0
        """As counted on the first step; 0 before it, and for a model without a product in its arithmetic."""

    def counted(self, step: Step) -> Step:
        """`step`, which also counts its operations and says how many they were.

        Counting costs some microseconds for each operator, so only the first step of a process is counted; it computes
        the same bits as it would without.
        """

        def counting(batches: Sequence[Batch], number: int, want_norm: bool) -> list[Outputs]:
            with FlopCounter() as counter:
                outputs = step(batches, number, want_norm)
            self.flops_per_example = counter.total / sum(len(batch[0]) for batch in batches)
            if counter.total:
                log.info("%.3g FLOPs a step, counted in the first one", counter.total)
            return outputs

        return counting

    def rates(self, examples: int, items: float | None, seconds: float) -> dict[str, float]:
        """What `metrics.jsonl` says about the last `seconds`.

        Args:
            examples: Examples that the model has learned from in that time.
            items: What it counted as items, such as tokens; None for a model that counts none.
            seconds: More than 0.
        """
        row = {"speed/examples_per_second": examples / seconds}
        if items is not None:
            row["speed/tokens_per_second"] = items / seconds
        if self.flops_per_example:
            flops = row["speed/flops_per_second"] = self.flops_per_example * examples / seconds
            if self.peak_flops is not None:
                # model FLOPs utilization (Chowdhery et al. 2022, appendix B)
                row["speed/mfu"] = flops / self.peak_flops
        return row
