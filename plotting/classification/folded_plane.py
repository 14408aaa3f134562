"""The plane in a hidden layer: bent until a straight line tells the classes apart."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Integer, Shaped
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plotting.points import View, draw_points, name_axes, require_two_features, view
from plotting.style import FAINT, HALO, INK, display_name, empty_figure, footnote, headline, new_figure, styled

_THREADS = 25  # lines of the mesh in each direction
_STITCHES = 200  # points along each of them

Represent = Callable[[np.ndarray], np.ndarray]


@styled
def folded_plane(
    subject: str,
    inputs: Shaped[np.ndarray, "n *shape"],
    targets: Integer[np.ndarray, " n"],
    class_names: tuple[str, ...],
    feature_names: tuple[str, ...],
    represent: Represent,
    readout_weights: Shaped[np.ndarray, " units"],
    readout_bias: float,
) -> Figure:
    """Draw the plane with a mesh on it, and where the hidden layer puts both.

    The hidden layer has as many dimensions as units; of these, two are drawn. Across: the height above the plane that
    the output draws there, so that its boundary is the upright line at 0. Up: the direction at a right angle to that
    in which the data spread most.

    Args:
        subject: What was trained, for the headline.
        inputs: Examples, [n, 2].
        targets: Their class indices, [n]: 0 or 1.
        class_names: A name for each class index.
        feature_names: Names of the two features.
        represent: From inputs [m, 2] to the activities of the last hidden layer, [m, units].
        readout_weights: v of the output: class 1 is where v·h + c > 0.
        readout_bias: c of the output.

    Raises:
        InputError: The data have more or fewer than two features.
    """
    require_two_features("folded_plane", subject, inputs)
    length = float(np.linalg.norm(readout_weights))
    if not len(inputs) or not length:
        return empty_figure(
            subject, "no examples to draw" if length else "the output does not look at the hidden layer"
        )
    seen = view(inputs)
    mesh = [thread.astype(inputs.dtype) for thread in _mesh(seen)]
    project = _projection(represent(inputs), readout_weights / length, readout_bias / length)
    points = project(represent(inputs))
    wrong = (points[:, 0] > 0) != (targets == 1)

    figure = new_figure(9.4, 1.6 + 3.6 * min(max(seen.shape, 0.75), 1.0))
    plane, hidden = figure.subplots(1, 2)
    left_out = draw_points(plane, inputs, targets, class_names, wrong)
    _draw_mesh(plane, mesh)
    name_axes(plane, feature_names, seen)
    draw_points(hidden, points, targets, class_names, wrong)
    _draw_mesh(hidden, [project(represent(thread)) for thread in mesh])
    hidden.axvline(0, color=INK, linewidth=2, zorder=4, path_effects=HALO)
    hidden.set(xlabel="height above the output's boundary", ylabel="widest direction along the boundary")
    units = len(readout_weights)
    footnote(figure, f"left: the inputs; right: the last hidden layer, two of its {units} dimensions", left_out)
    count = f"{int((~wrong).sum()):,} of {len(wrong):,} points"
    finding = (
        f"the output's line has {count} on the right side" if wrong.any() else f"a line parts all {len(wrong):,} points"
    )
    headline(figure, f"{display_name(subject)}: in the hidden layer {finding}")
    return figure


def _mesh(seen: View) -> list[Float[np.ndarray, "stitches 2"]]:
    """Lines across the shown part of the plane, first those along x, then those along y."""
    x, y = (np.linspace(*limits, _STITCHES) for limits in (seen.x, seen.y))
    along_x = [np.column_stack([x, np.full_like(x, height)]) for height in np.linspace(*seen.y, _THREADS)]
    along_y = [np.column_stack([np.full_like(y, place), y]) for place in np.linspace(*seen.x, _THREADS)]
    return along_x + along_y


def _projection(
    hidden: Shaped[np.ndarray, "n units"], normal: Shaped[np.ndarray, " units"], offset: float
) -> Callable[[np.ndarray], Float[np.ndarray, "m 2"]]:
    """From activities to the height above the boundary, and the place along it where the data spread most."""
    middle = hidden.mean(axis=0)
    centred = (hidden - middle).astype(float)
    along = centred - np.outer(centred @ normal, normal)
    widest = np.linalg.svd(along, full_matrices=False)[2][0]
    widest = widest - (widest @ normal) * normal  # exactly at a right angle, where nothing spreads along the boundary
    return lambda h: np.column_stack([h @ normal + offset, (h - middle) @ widest]).astype(float)


def _draw_mesh(axes: Axes, threads: list[Float[np.ndarray, "stitches 2"]]) -> None:
    for thread in threads:
        axes.plot(*thread.T, color=FAINT, linewidth=0.4, alpha=0.7, zorder=1)
