"""Pictures of what a run did: numbers in, a matplotlib `Figure` out; see README.md.

Importing this package costs nothing: a plot's module, and matplotlib with it, is loaded when the plot is made.
"""

import inspect
import io
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from utils.errors import InputError, unknown
from utils.files import write_atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["check_name", "plot_names", "png", "render", "save"]


def plot_names() -> tuple[str, ...]:
    """The names that `render` knows."""
    return tuple(sorted(_modules()))


def check_name(name: str) -> None:
    """Refuse a name that is not a plot, without loading matplotlib.

    Raises:
        InputError: There is no such plot; the message gives the closest one.
    """
    if name not in _modules():
        raise unknown("plot", name, _modules())


def render(name: str, available: Mapping[str, Any]) -> "Figure":
    """Draw the plot `name` with those values of `available` that its function has parameters for.

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
    return getattr(import_module(_modules()[name]), name)


@cache
def _modules() -> dict[str, str]:
    """Plot to module: a plot is a function of the same name as its file, which lies in the folder of a family."""
    files = Path(__file__).parent.glob("*/[!_]*.py")
    return {file.stem: f"{__name__}.{file.parent.name}.{file.stem}" for file in files}
