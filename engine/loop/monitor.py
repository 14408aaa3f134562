"""Which evaluation was the best so far, and whether it is time to give up hoping for a better one."""

import math
from collections.abc import Mapping
from typing import Any

from engine.config import EarlyStopping, Monitor
from utils.errors import InputError


def is_better(new: float, old: float | None, mode: str, min_delta: float = 0.0) -> bool:
    """Whether `new` improves on `old` by more than `min_delta`; a value that is not finite never does."""
    if not math.isfinite(new):
        return False
    if old is None:
        return True
    return new < old - min_delta if mode == "min" else new > old + min_delta


class MetricMonitor:
    """The best value of the monitored metric, and how many evaluations ago it was."""

    def __init__(self, monitor: Monitor | None, early_stopping: EarlyStopping | None) -> None:
        self.monitor, self.early_stopping = monitor, early_stopping
        self.value: float | None = None
        self.step: int | None = None
        self.without_improvement = 0
        self._reference: float | None = None  # what early stopping compares with: moves by more than min_delta only

    def check(self, metrics: dict[str, float]) -> None:
        """Make sure that the monitored metric is among those evaluated.

        Raises:
            InputError: It is not; the message names those that are.
        """
        if self.monitor is not None and self.monitor.metric not in metrics:
            known = ", ".join(sorted(metrics))
            raise InputError(f"trainer.monitor.metric is '{self.monitor.metric}', but evaluated are: {known}")

    def update(self, metrics: dict[str, float], step: int) -> bool:
        """Note an evaluation; returns whether it is the best so far."""
        if self.monitor is None:
            return False
        self.check(metrics)
        value, mode = metrics[self.monitor.metric], self.monitor.mode
        delta = self.early_stopping.min_delta if self.early_stopping else 0.0
        if is_better(value, self._reference, mode, delta):
            self._reference, self.without_improvement = value, 0
        else:
            self.without_improvement += 1
        if not is_better(value, self.value, mode):
            return False
        self.value, self.step = value, step
        return True

    @property
    def patience_is_over(self) -> bool:
        """Whether early stopping is on and has waited long enough."""
        return self.early_stopping is not None and self.without_improvement >= self.early_stopping.patience

    def summary(self) -> dict[str, Any] | None:
        """The best evaluation, for `metrics.json`; None where nothing is monitored or nothing was finite."""
        if self.monitor is None or self.step is None:
            return None
        return {"metric": self.monitor.metric, "value": self.value, "step": self.step}

    def state_dict(self) -> dict[str, Any]:
        """Its entry in a checkpoint."""
        return {
            "best": {
                "value": self.value,
                "step": self.step,
                "without_improvement": self.without_improvement,
                "reference": self._reference,
            }
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from the entry of a checkpoint."""
        best = state["best"]
        self.value, self.step = best["value"], best["step"]
        self.without_improvement, self._reference = best["without_improvement"], best["reference"]
