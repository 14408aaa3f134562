"""One metric of several runs, in one panel."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from plotting.history import History, column, draw_curve, gap_remark, time_axis, time_unit
from plotting.style import class_colour, display_name, empty_figure, footnote, headline, label_ends, new_figure, styled

_STYLES = ("-", (0, (5, 2)), (0, (1, 1.5)))  # after eight runs the colours come again


@styled
def runs_overlaid(subject: str, histories: Mapping[str, History], log_scale: bool = False) -> Figure:
    """Draw a metric over the epochs of each run; over steps where the epochs of one of them cannot tell its rows apart.

    Args:
        subject: The metric.
        histories: A run's name to the rows of its `metrics.jsonl`.
        log_scale: Whether values are compared by their ratios; those that are not above 0 are then left out.

    Returns:
        The figure; one that says so if no run has the metric.
    """
    having = {name: [row for row in rows if subject in row] for name, rows in histories.items()}
    having = {name: rows for name, rows in having.items() if rows}
    if not having:
        return empty_figure(subject, "no run that was chosen has this metric")
    unit = "step" if any(time_unit(rows) == "step" for rows in having.values()) else "epoch"
    curves = {name: column(rows, subject, unit) for name, rows in having.items()}
    figure = new_figure(8.6, 4.4)
    axes = figure.add_subplot()
    for number, curve in enumerate(curves.values()):
        look = _STYLES[number // 8 % len(_STYLES)]
        draw_curve(axes, curve, color=class_colour(number), linestyle=look)
    if log_scale:
        axes.set_yscale("log", nonpositive="mask")
    time_axis(axes, list(curves.values()), unit)
    axes.set_ylabel(display_name(subject))
    ends = [
        (name, float(curve.y[curve.finite][-1]), class_colour(number))
        for number, (name, curve) in enumerate(curves.items())
        if curve.finite.any()
    ]
    label_ends(axes, [end for end in ends if end[1] > 0 or not log_scale])
    last = [end for _, end, _ in ends]
    if not last:
        words = "never finite"
    else:
        words = " to ".join(dict.fromkeys(f"{end:.4g}" for end in (min(last), max(last)))) + " at the end"
    runs = f"{len(curves)} {'run' if len(curves) == 1 else 'runs'}"
    headline(figure, f"{display_name(subject)} of {runs}: {words}{gap_remark(list(curves.values()))}")
    missing = len(histories) - len(curves)
    footnote(
        figure, f"{missing} of the chosen runs {'has' if missing == 1 else 'have'} no such metric" if missing else ""
    )
    return figure
