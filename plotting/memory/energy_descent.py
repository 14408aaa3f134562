"""The energy of a network's states while it recalls."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from plotting.style import BLUE, VERMILLION, display_name, empty_figure, footnote, headline, new_figure, styled

_ROUNDING = 1e-6  # a rise that is smaller, of the largest energy, is float32 rounding


@styled
def energy_descent(subject: str, energies: Float[np.ndarray, "times states"], times: Sequence[float]) -> Figure:
    """Draw the energy of each recall over its sweeps; a recall whose energy ever rises stands out.

    Args:
        subject: What recalled, for the headline.
        energies: Energy a unit of each state at each time; values that are not finite are left out.
        times: In sweeps.

    Returns:
        The figure; one that says so if nothing was recalled.
    """
    if energies.size == 0 or not np.isfinite(energies).any():
        return empty_figure(subject, "no energies recorded")
    finite = np.where(np.isfinite(energies), energies, np.nan)
    rising = (np.diff(finite, axis=0) > _ROUNDING * np.nanmax(np.abs(finite))).any(axis=0)
    few = len(times) <= 12

    figure = new_figure(6.8, 4.0)
    axes = figure.add_subplot()
    for recall, rises in zip(finite.T, rising, strict=True):
        colour = VERMILLION if rises else BLUE
        axes.plot(times, recall, color=colour, alpha=0.6, linewidth=1.2, marker="o" if few else None, markersize=3)
    axes.set(xlabel="sweep (every unit updated once)", ylabel="energy for each unit")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    axes.grid(axis="y")
    risen = int(rising.sum())
    words = "the energy rises" if risen else "the energy never rises"
    if len(rising) > 1:
        words += f" in {risen} of {len(rising)} recalls" if risen else f", in any of {len(rising)} recalls"
    headline(figure, f"{display_name(subject)}: {words}")
    bad = int((~np.isfinite(energies)).sum())
    remark = f"{bad:,} {'value is' if bad == 1 else 'values are'} not finite" if bad else ""
    footnote(figure, "orange: recalls in which it rises" if risen else "", remark)
    return figure
