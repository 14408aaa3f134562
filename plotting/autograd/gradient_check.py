"""Gradient check: how exact the gradients of single operations are."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from plotting.style import BLUE, INK, VERMILLION, display_name, footnote, headline, new_figure, plain_log_labels, styled

_EXACT = 1e-17  # drawn here where the difference is zero, which a logarithmic axis has no place for
_ROUNDING = 1e-7  # central differences in double precision are not better than this on numbers near 1


@styled
def gradient_check(subject: str, errors: Mapping[str, float]) -> Figure:
    """Draw for each operation how far its gradient is from central differences.

    Args:
        subject: What was trained, for the headline.
        errors: Operation to the largest difference, in float64.

    Returns:
        A bar for each operation, the largest on top, and the level that rounding alone can reach.
    """
    ordered = sorted(errors.items(), key=lambda item: item[1])
    figure = new_figure(6.8, 1.4 + 0.2 * len(ordered))
    axes = figure.add_subplot()
    values = [max(error, _EXACT) for _, error in ordered]
    colours = [BLUE if error < _ROUNDING else VERMILLION for _, error in ordered]
    axes.barh(range(len(ordered)), values, left=0, color=colours, height=0.7)
    axes.set_xscale("log")
    axes.set_xlim(_EXACT, max(10 * _ROUNDING, 3 * max(values)))
    plain_log_labels(axes.xaxis)
    axes.axvline(_ROUNDING, color=INK, linestyle=(0, (4, 2)), linewidth=1.2)
    axes.set_yticks(range(len(ordered)), [name for name, _ in ordered])
    axes.set_xlabel("largest difference between the tape and central differences")
    axes.grid(axis="x")
    wrong = [name for name, error in ordered if not error < _ROUNDING]
    summary = f"wrong: {', '.join(wrong)}" if wrong else f"all {len(ordered)} operations pass"
    headline(figure, f"{display_name(subject)}: gradient check, {summary}")
    footnote(figure, "dashed: what rounding in double precision can do to central differences")
    return figure
