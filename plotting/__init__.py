"""Pictures of what a run did: numbers in, a matplotlib `Figure` out; see README.md.

Importing this package costs nothing: a plot's module, and matplotlib with it, is loaded when the plot is made.
"""

import inspect
import io
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from utils.errors import InputError, unknown
from utils.files import write_atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PLOTS: dict[str, str] = {
    "confusion_matrix": "plotting.confusion_matrix:confusion_matrix",
    "decision_boundary": "plotting.decision_boundary:decision_boundary",
    "fit": "plotting.fit:fit",
