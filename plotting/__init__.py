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
    "band": "plotting.training.band:band",
    "computation_graph": "plotting.autograd.computation_graph:computation_graph",
    "confusion_matrix": "plotting.classification.confusion_matrix:confusion_matrix",
    "decision_boundary": "plotting.classification.decision_boundary:decision_boundary",
    "energy_descent": "plotting.memory.energy_descent:energy_descent",
    "error_bowl": "plotting.training.error_bowl:error_bowl",
    "fit": "plotting.regression.fit:fit",
    "folded_plane": "plotting.classification.folded_plane:folded_plane",
    "gradient_by_layer": "plotting.training.gradient_by_layer:gradient_by_layer",
    "gradient_check": "plotting.autograd.gradient_check:gradient_check",
    "learning_curve": "plotting.training.learning_curve:learning_curve",
    "learning_rate_finder": "plotting.training.learning_rate_finder:learning_rate_finder",
    "mistakes_and_bound": "plotting.training.mistakes_and_bound:mistakes_and_bound",
    "optimisation": "plotting.search.optimisation:optimisation",
    "overlap_and_load": "plotting.memory.overlap_and_load:overlap_and_load",
    "overlaps": "plotting.memory.overlaps:overlaps",
    "pattern_similarity": "plotting.memory.pattern_similarity:pattern_similarity",
    "pruning_curve": "plotting.search.optimisation:pruning_curve",
    "recall_gallery": "plotting.memory.recall_gallery:recall_gallery",
    "response": "plotting.classification.response:response",
    "runs_overlaid": "plotting.training.runs_overlaid:runs_overlaid",
    "shift_curve": "plotting.classification.shift_curve:shift_curve",
    "stability": "plotting.training.stability:stability",
    "sweep_history": "plotting.search.sweep:sweep_history",
    "sweep_parameters": "plotting.search.sweep:sweep_parameters",
    "tape_cost": "plotting.autograd.tape_cost:tape_cost",
    "weight_trajectory": "plotting.training.weight_trajectory:weight_trajectory",
    "weights_image": "plotting.classification.weights_image:weights_image",
}
"""Where each plot's function is, as `module:function`."""


def plot_names() -> tuple[str, ...]:
    """The names that `render` knows."""
    return tuple(sorted(PLOTS))


def check_name(name: str) -> None:
    """Refuse a name that is not a plot, without loading matplotlib.

    Raises:
        InputError: There is no such plot; the message gives the closest one.
    """
    if name not in PLOTS:
        raise unknown("plot", name, PLOTS)


def render(name: str, available: Mapping[str, Any]) -> "Figure":
    """Make the plot `name` from those of `available` that its function has parameters for.

    Args:
        name: One of `plot_names()`.
        available: Everything there is to draw from, by parameter name; a value of None counts as absent.

    Raises:
        InputError: There is no such plot, it needs something that is absent, or the data do not suit it.
    """
    check_name(name)
    function = _function(name)
    parameters = inspect.signature(function).parameters
    given = {key: available[key] for key in parameters if available.get(key) is not None}
    missing = [key for key, wanted in parameters.items() if wanted.default is wanted.empty and key not in given]
    if missing:
        raise InputError(
            f"plot '{name}' needs {' and '.join(missing)}, which this experiment does not have; "
            f"take it off the experiment's list or choose another of: {', '.join(plot_names())}"
        )
    return function(**given)


def save(figure: "Figure", path: Path) -> None:
    """Write `figure` as a PNG; equal figures give equal bytes, and a crash leaves no half-written file.

    Raises:
        RunError: The folder cannot be written or the disk is full.
    """
    write_atomic(path, png(figure))


def png(figure: "Figure") -> bytes:
    """`figure` as a PNG in memory."""
    from plotting.style import DPI, styled

    @styled
    def draw() -> bytes:
        buffer = io.BytesIO()
        # The default metadata hold matplotlib's version, which would make equal pictures differ.
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
        return buffer.getvalue()

    return draw()


def _function(name: str) -> Callable[..., "Figure"]:
    module, function = PLOTS[name].split(":")
    return getattr(import_module(module), function)
