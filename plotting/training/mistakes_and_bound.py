"""The perceptron's mistakes against Novikoff's bound on them."""

from matplotlib.figure import Figure

from plotting.history import Column, History, column, draw_curve, gap_remark, time_axis, time_unit
from plotting.style import (
    BLUE,
    INK,
    VERMILLION,
    display_name,
    empty_figure,
    headline,
    label_ends,
    new_figure,
    plain_log_labels,
    styled,
)

_LOG_FROM = 10.0  # how far above the mistakes the bound may lie before they would be squeezed to the floor


@styled
def mistakes_and_bound(subject: str, history: History) -> Figure:
    """Draw the mistakes made so far and the bound (R/γ)² that they may not exceed (Novikoff 1962).

    Args:
        subject: What was trained, for the headline.
        history: Rows with `model/mistakes` and, where the classes are separable, `model/mistake_bound`.

    Returns:
        The figure; one that says so if no mistakes were recorded.
    """
    unit = time_unit(history)
    mistakes = column(history, "model/mistakes", unit)
    bound = column(history, "model/mistake_bound", unit)
    if not mistakes.finite.any():
        return empty_figure(subject, "no mistakes recorded")

    figure = new_figure(6.8, 4.0)
    axes = figure.add_subplot()
    draw_curve(axes, mistakes, color=BLUE)
    made = _last(mistakes)
    ends = [(f"mistakes: {made:,g}", made, BLUE)]
    if bound.finite.any():
        limit = _last(bound)
        axes.axhline(limit, color=INK if made <= limit else VERMILLION, linestyle=(0, (4, 2)))
        ends.append((f"bound (R/γ)²: {_written(limit)}", limit, INK))
        if limit > _LOG_FROM * made:
            axes.set_yscale("symlog", linthresh=1)  # logarithmic, but with a place for 0
            plain_log_labels(axes.yaxis)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("mistakes so far" + (", log scale" if axes.get_yscale() == "symlog" else ""))
    time_axis(axes, [mistakes], unit)
    label_ends(axes, ends)
    headline(figure, f"{display_name(subject)}: {_finding(mistakes, bound, unit)}{gap_remark([mistakes, bound])}")
    return figure


def _finding(mistakes: Column, bound: Column, unit: str) -> str:
    made = _last(mistakes)
    count = f"{made:,g} {'mistake' if made == 1 else 'mistakes'}"
    if not bound.finite.any():
        return f"{count}, no bound recorded"
    limit = _last(bound)
    if made > limit:
        return f"{count}, more than the bound of {_written(limit)} allows"
    return f"{count}, the bound allows {_written(limit)}"


def _written(bound: float) -> str:
    return f"{bound:,.0f}" if bound >= 100 else f"{bound:.3g}"


def _last(curve: Column) -> float:
    return float(curve.y[curve.finite][-1])
