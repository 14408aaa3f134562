"""What learns, step by step, and what is counted on the way."""

from typing import TYPE_CHECKING

from utils.lazy import lazy_names

if TYPE_CHECKING:
    from engine.loop.ema import EMA
    from engine.loop.learner import Learner, Position
    from engine.loop.metric_buffer import MetricBuffer
    from engine.loop.monitor import MetricMonitor
    from engine.loop.non_finite import NonFiniteFinder
    from engine.loop.plan import Plan
    from engine.loop.step import GradientStep, ManualStep
    from engine.loop.stepper import EagerStepper, Stepper
    from engine.loop.stopping import StopAgreement, StopSignals
    from engine.loop.timer import Throughput, Timer

__all__ = [
    "EMA",
    "EagerStepper",
    "GradientStep",
    "Learner",
    "ManualStep",
    "MetricBuffer",
    "MetricMonitor",
    "NonFiniteFinder",
    "Plan",
    "Position",
    "Stepper",
    "StopAgreement",
    "StopSignals",
    "Throughput",
    "Timer",
]

__getattr__ = lazy_names(
    __name__,
    {
        "EMA": "ema",
        "EagerStepper": "stepper",
        "GradientStep": "step",
        "Learner": "learner",
        "ManualStep": "step",
        "MetricBuffer": "metric_buffer",
        "MetricMonitor": "monitor",
        "NonFiniteFinder": "non_finite",
        "Plan": "plan",
        "Position": "learner",
        "Stepper": "stepper",
        "StopAgreement": "stopping",
        "StopSignals": "stopping",
        "Throughput": "timer",
        "Timer": "timer",
    },
)
