"""Compression: size, latency and quality of a model before and after it was made smaller."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plotting.style import (
    BLUE,
    FAINT,
    SKY,
    display_name,
    headline,
    new_figure,
    percent,
    shorten,
    styled,
)

Forms = Sequence[Mapping[str, Any]]
"""Mappings with `name`, `bytes`, `compressed`, `milliseconds` (batch size to time) and `value`; first the original."""

_KILOBYTE = 1000


@styled
def optimisation(subject: str, forms: Forms, metric: str) -> Figure:
    """Draw size, time of an answer and quality of each form of a model, a bar each.

    Args:
        subject: What was trained, for the headline.
        forms: The model as it was, then the others.
        metric: What `value` is.
    """
    batches = list(forms[0]["milliseconds"])
    figure = new_figure(2.6 + 2.5 * (2 + len(batches)), 1.9 + 0.45 * len(forms))
    size, *times, quality = figure.subplots(1, 2 + len(batches), sharey=True)
    _bars(size, "size (kB), compressed in light", [form["bytes"] / _KILOBYTE for form in forms])
    size.barh(range(len(forms)), [form["compressed"] / _KILOBYTE for form in forms], height=0.3, color=SKY)
    for axes, batch in zip(times, batches, strict=True):
        _bars(axes, f"batch of {batch} (ms)", [form["milliseconds"][batch] for form in forms])
    _bars(quality, metric, [form["value"] for form in forms])
    size.set_yticks(range(len(forms)), [shorten(form["name"], 30) for form in forms])
    size.invert_yaxis()
    before, after = forms[0], forms[-1]
    size_left, compressed_left = (percent(after[key] / before[key]) for key in ("bytes", "compressed"))
    change = f"{metric} {before['value']:.4g} before and {after['value']:.4g} after"
    sizes = f"{size_left} of the size, {compressed_left} compressed"
    headline(figure, f"{display_name(subject)}, {after['name']}: {sizes}; {change}")
    return figure


def _bars(axes: Axes, title: str, lengths: Sequence[float]) -> None:
    colours = [FAINT] + [BLUE] * (len(lengths) - 1)
    bars = axes.barh(range(len(lengths)), lengths, height=0.6, color=colours)
    axes.bar_label(bars, [f"{length:.3g}" for length in lengths], padding=3, fontsize=8)
    axes.margins(x=0.25)
    axes.set_title(title)
    axes.tick_params(axis="y", length=0)
    axes.set_xticks([])
    axes.spines[["bottom"]].set_visible(False)
