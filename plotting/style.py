"""The style of every plot: colours that a colour-blind reader can tell apart, light, and legible in print."""

import itertools
import re
import textwrap
from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, NullFormatter

DPI = 150

# Okabe & Ito, "Color Universal Design" (2008).
BLACK, BLUE, VERMILLION, GREEN = "#000000", "#0072B2", "#D55E00", "#009E73"
PURPLE, SKY, ORANGE, YELLOW = "#CC79A7", "#56B4E9", "#E69F00", "#F0E442"
INK, FAINT, GRID = "#222222", "#6E6E6E", "#E4E4E4"

_CLASS_COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, SKY, ORANGE, BLACK, YELLOW)
_CLASS_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_SPELLED = {"and": "AND", "or": "OR", "xor": "XOR", "nand": "NAND", "nor": "NOR", "mnist": "MNIST"}
HALO = [withStroke(linewidth=3.5, foreground="white")]
"""Keeps a line or a word legible over points."""

_CHARACTERS_PER_INCH = 9.8  # of a headline, on average

_STYLE: dict[Any, Any] = {
    "text.usetex": False,
    "text.parse_math": False,  # a class may be called "$5 or more"
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib, so the picture is the same everywhere
    "font.size": 10,
    "figure.facecolor": "white",
    "figure.titlesize": 12,
    "figure.titleweight": "bold",
    "figure.labelsize": 9,
    "figure.constrained_layout.h_pad": 0.08,
    "figure.constrained_layout.w_pad": 0.08,
    "savefig.facecolor": "white",
    "savefig.bbox": None,
    "text.color": INK,
    "axes.facecolor": "white",
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.labelsize": 10,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "normal",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "axes.formatter.use_mathtext": False,
    "axes.formatter.useoffset": False,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
    "path.simplify": True,
}


styled = matplotlib.rc_context(_STYLE)
"""Decorator of every plot: this style inside, the reader's own matplotlib settings untouched outside."""


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of `width` by `height` inches whose parts never overlap."""
    return Figure(figsize=(width, height), layout="constrained")


def headline(figure: Figure, text: str) -> None:
    """Write a headline that says what one sees; it begins at the left edge."""
    width = int(figure.get_figwidth() * _CHARACTERS_PER_INCH)
    figure.suptitle(textwrap.fill(text, width), x=0.015, ha="left")


def footnote(figure: Figure, *remarks: str) -> None:
    """Explain marks and omissions in small print at the bottom; empty remarks are passed over."""
    width = int(figure.get_figwidth() * _CHARACTERS_PER_INCH * 1.4)
    text = "; ".join(remark for remark in remarks if remark)
    if text:
        figure.supxlabel(textwrap.fill(text, width), x=0.015, ha="left", color=FAINT)


def empty_figure(subject: str, message: str) -> Figure:
    """Placeholder figure that says why there is nothing to see: better than a crash at the end of a long run."""
    figure = new_figure(6.0, 2.4)
    headline(figure, f"{display_name(subject)}: {message}")
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.text(0.5, 0.5, message, ha="center", va="center", color=FAINT, transform=axes.transAxes)
    return figure


def display_name(subject: str) -> str:
    """The name of an experiment as one writes it: `xor` is XOR, `mnist-0v1` is MNIST-0v1."""
    return re.sub(r"[a-z]+", lambda word: _SPELLED.get(word[0], word[0]), subject)


def shorten(name: str, length: int = 18) -> str:
    """`name` cut to `length` characters; what goes is the middle, since names often differ at their ends."""
    tail = (length - 1) // 2
    return name if len(name) <= length else f"{name[: length - 1 - tail]}…{name[-tail:]}"


def percent(share: float) -> str:
    """Percentage of a share, with enough digits that it says 0% and 100% only where that is exact."""
    for digits in (1, 2, 3, 4):
        text = f"{100 * share:.{digits}f}"
        if float(text) not in (0.0, 100.0):
            break
    return f"{float(text):g}%"


def class_colour(index: int) -> str:
    """The colour of class `index`, the same in every plot."""
    return _CLASS_COLOURS[index % len(_CLASS_COLOURS)]


def class_marker(index: int) -> str:
    """The shape of class `index`; colour and shape together repeat after 64 classes."""
    return _CLASS_MARKERS[(index + index // len(_CLASS_COLOURS)) % len(_CLASS_MARKERS)]


def plain_log_labels(axis: Axis) -> None:
    """Write 0.01 rather than a power of ten at the ticks of a logarithmic axis."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axis.set_minor_formatter(NullFormatter())


def label_ends(axes: Axes, ends: Sequence[tuple[str, float, str]]) -> None:
    """Name curves at the right edge, in place of a legend; names that would overlap are moved apart.

    Args:
        axes: The panel, with its final limits.
        ends: For each curve its name, the height at which it ends, in data units, and its colour.
    """
    low, high = axes.transAxes.transform([(0, 0), (0, 1)])[:, 1]
    heights = [(axes.transData.transform((axes.get_xlim()[1], y))[1] - low) / (high - low) for _, y, _ in ends]
    for (text, _, colour), height in zip(ends, _apart(heights, 0.065), strict=True):
        axes.annotate(
            text,
            (1, height),
            xycoords="axes fraction",
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            color=colour,
            fontsize=9,
        )


def _apart(heights: Sequence[float], gap: float) -> list[float]:
    """`heights` moved as little as needed to lie `gap` apart, in their order, and below the top."""
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    moved = [min(max(height, 0.0), 1.0) for height in heights]
    for below, above in itertools.pairwise(order):
        moved[above] = max(moved[above], moved[below] + gap)
    ceiling = 1.0
    for i in reversed(order):
        moved[i] = min(moved[i], ceiling)
        ceiling = moved[i] - gap
    return moved
