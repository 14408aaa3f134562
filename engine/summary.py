"""What is left of a training in its `metrics.json`."""

from typing import Any

from engine.loop.learner import Learner, Position
from engine.loop.monitor import MetricMonitor
from engine.loop.timer import Timer


def results(learner: Learner, position: Position, timer: Timer, monitor: MetricMonitor) -> dict[str, Any]:
    """How a training stands, for `metrics.json`."""
    return {
        "step": position.step,
        "epoch": position.step / learner.plan.steps_per_epoch,
        "seconds": timer.seconds,
        "last": position.latest,
        "best": monitor.summary(),
        "parameters": sum(parameter.numel() for parameter in learner.model.parameters()),
        "model_bytes": sum(tensor.nbytes for tensor in learner.model.state_dict().values()),
        "data": learner.splits.fingerprint,
    }
