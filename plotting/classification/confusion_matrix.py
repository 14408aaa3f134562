"""Confusion matrix: which classes are taken for which."""

import numpy as np
from jaxtyping import Float, Integer
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from plotting.style import (
    BLUE,
    INK,
    VERMILLION,
    display_name,
    empty_figure,
    headline,
    new_figure,
    percent,
    shorten,
    styled,
)
from utils.errors import InputError


@styled
def confusion_matrix(
    subject: str,
    targets: Integer[np.ndarray, " n"],
    predictions: Integer[np.ndarray, " n"],
    class_names: tuple[str, ...],
    split: str = "",
) -> Figure:
    """Count the examples of each true class (row) by predicted class (column), right answers blue, mistakes orange.

    Args:
        subject: What was trained, for the headline.
        targets: True class indices, [n].
        predictions: Predicted class indices, [n].
        class_names: A name for each class index.
        split: Which examples these are, such as `validation`.

    Returns:
        The figure; one that says so if there are no examples.

    Raises:
        InputError: A class index has no name.
    """
    if not len(targets):
        return empty_figure(subject, "no examples to count")
    k = len(class_names)
    named = np.isin(np.concatenate([targets, predictions]), np.arange(k))
    if not named.all():
        raise InputError(
            f"plot 'confusion_matrix': '{subject}' names {k} classes, but there are class indices beyond them"
        )
    counts = np.zeros((k, k), dtype=int)
    np.add.at(counts, (targets, predictions), 1)
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)

    cell = 1.3 if k == 2 else 1.0 if k <= 4 else 0.62 if k <= 10 else 0.5  # inches
    names = [shorten(name, 16) for name in class_names]
    margin = 0.085 * max(map(len, names)) + 0.5
    upright = max(map(len, names)) * 0.09 > cell
    figure = new_figure(max(k * cell + margin + 0.3, 4.8), k * cell + (margin if upright else 0.6) + 0.7)
    axes = figure.add_subplot()
    strength = _strength(shares)
    axes.imshow(_colours(strength))
    for (row, column), count in np.ndenumerate(counts):
        if count or k <= 4:
            text = f"{count:,}\n{_short_percent(shares[row, column])}" if totals[row] else "0"
            dark = strength[row, column] > 0.6
            size = 11 if k <= 4 else 8 if k <= 10 else 6.5
            axes.text(column, row, text, ha="center", va="center", fontsize=size, color="white" if dark else INK)
    axes.set_xticks(range(k), names, rotation=90 if upright else 0)
    axes.set_yticks(range(k), names)
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.tick_params(length=0)
    axes.set_xticks(np.arange(k + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(k + 1) - 0.5, minor=True)
    axes.grid(which="minor", linewidth=1)
    axes.tick_params(which="minor", length=0)
    axes.spines[:].set_visible(False)
    axes.set_title("count, and percent of the row", fontsize=9)
    headline(figure, f"{display_name(subject)}: {_finding(counts, class_names, split)}")
    return figure


def _strength(shares: Float[np.ndarray, "k k"]) -> Float[np.ndarray, "k k"]:
    """How strongly each cell is coloured; the root lets a mistake stand out that is made a few times in a hundred."""
    return np.where(np.eye(len(shares), dtype=bool), shares, np.sqrt(shares))


def _colours(strength: Float[np.ndarray, "k k"]) -> Float[np.ndarray, "k k 3"]:
    """White to blue on the diagonal, white to orange elsewhere."""
    full = np.where(np.eye(len(strength), dtype=bool)[..., None], to_rgb(BLUE), to_rgb(VERMILLION))
    return 1 - strength[..., None] * (1 - full)


def _short_percent(share: float) -> str:
    """A whole percentage that says 0% and 100% only where that is exact."""
    if 0 < share < 0.01:
        return "<1%"
    if 0.99 < share < 1:
        return ">99%"
    return f"{100 * share:.0f}%"


def _finding(counts: np.ndarray, class_names: tuple[str, ...], split: str) -> str:
    total, right = int(counts.sum()), int(np.trace(counts))
    kind = {"": "", "train": "training "}.get(split, f"{split} ")
    words = f"{right:,} of {total:,} {kind}examples right ({percent(right / total)})"
    mistakes = counts - np.diag(np.diag(counts))
    if right == total or len(class_names) == 2:
        return words
    true, predicted = np.unravel_index(np.argmax(mistakes), mistakes.shape)
    times = int(mistakes[true, predicted])
    pair = f"'{shorten(class_names[true])}' taken for '{shorten(class_names[predicted])}'"
    return f"{words}, most often wrong: {pair} ({times:,} {'time' if times == 1 else 'times'})"
