"""One run: its name, its folders, and what is written down of it."""

from typing import TYPE_CHECKING

from utils.lazy import lazy_names

if TYPE_CHECKING:
    from engine.runs.environment import snapshot
    from engine.runs.metrics_log import MetricsLog, NullLog, read_rows
    from engine.runs.run import Folders, Options, Run

__all__ = ["Folders", "MetricsLog", "NullLog", "Options", "Run", "read_rows", "snapshot"]

__getattr__ = lazy_names(
    __name__,
    {
        "Folders": "run",
        "MetricsLog": "metrics_log",
        "NullLog": "metrics_log",
        "Options": "run",
        "Run": "run",
        "read_rows": "metrics_log",
        "snapshot": "environment",
    },
)
