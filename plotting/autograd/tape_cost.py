"""Cost of the tape: time and memory of automatic differentiation, beside gradients written by hand."""

import numpy as np
from jaxtyping import Float, Integer
from matplotlib.figure import Figure

from plotting.style import BLUE, FAINT, VERMILLION, display_name, headline, label_ends, new_figure, styled


@styled
def tape_cost(
    subject: str,
    depths: Integer[np.ndarray, " depths"],
    time_over_hand: Float[np.ndarray, " depths"],
    tape_numbers: Integer[np.ndarray, " depths"],
    numbers_by_formula: Integer[np.ndarray, " depths"],
) -> Figure:
    """Draw time and memory of the tape over the number of hidden layers.

    Args:
        subject: What was trained, for the headline.
        depths: Numbers of hidden layers, ascending.
        time_over_hand: Time of the tape over that of the closed form.
        tape_numbers: Numbers that the tape keeps for the way back.
        numbers_by_formula: The same, as counted on paper.

    Returns:
        Two panels, time and memory.
    """
    figure = new_figure(8.6, 3.8)
    time, memory = figure.subplots(1, 2)
    time.plot(depths, time_over_hand, color=BLUE, marker="o", clip_on=False)
    time.axhline(1, color=FAINT, linewidth=1.0)
    time.set_ylim(bottom=0)
    time.set_ylabel("time, by hand = 1")
    memory.plot(depths, numbers_by_formula, color=VERMILLION, linewidth=1.2)
    memory.plot(depths, tape_numbers, color=BLUE, marker="o", linestyle="none", clip_on=False)
    memory.set_ylim(bottom=0)
    memory.set_ylabel("numbers kept for the way back")
    memory.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    for axes in (time, memory):
        axes.set_xlim(0, depths[-1])
        axes.set_xlabel("hidden layers")
        axes.grid(axis="y")
    label_ends(memory, [("counted on paper", float(numbers_by_formula[-1]), VERMILLION)])
    low, high = time_over_hand.min(), time_over_hand.max()
    headline(
        figure,
        f"{display_name(subject)}: the tape takes {low:.1f} to {high:.1f} times as long as gradients by hand, "
        f"and memory grows with depth",
    )
    return figure
