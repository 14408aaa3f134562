"""Regression fit: a model's predictions beside the true values."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plotting.points import DRAWN_AT_MOST
from plotting.style import (
    BLUE,
    VERMILLION,
    display_name,
    empty_figure,
    footnote,
    headline,
    new_figure,
    shorten,
    styled,
)

_STEPS = 400  # of the curve


@styled
def fit(
    subject: str,
    inputs: Float[np.ndarray, "n *shape"],
    targets: Float[np.ndarray, "n outputs"],
    predictions: Float[np.ndarray, "n outputs"],
    predict: Callable[[np.ndarray], np.ndarray],
    feature_names: tuple[str, ...],
    target_names: tuple[str, ...],
    split: str = "",
) -> Figure:
    """Draw a regression, one panel for each number of a target.

    With one input: the examples, and the model's curve through them. With more: what the model predicts against what
    is true; a perfect model lies on the diagonal.

    Args:
        subject: What was trained, for the headline.
        inputs: The examples.
        targets: Their true values.
        predictions: The model's values for them.
        predict: The model: inputs of the same shape to predictions.
        feature_names: A name for each input.
        target_names: A name for each number of a target.
        split: Which split this is, for the headline.

    Returns:
        The figure; one that says so if there are no examples.
    """
    if not len(targets):
        return empty_figure(subject, "no examples")
    drawn = np.unique(np.linspace(0, len(targets) - 1, min(len(targets), DRAWN_AT_MOST)).round().astype(int))
    figure = new_figure(1.6 + 4.4 * len(target_names), 4.2)
    panels = figure.subplots(1, len(target_names), squeeze=False)[0]
    if inputs.shape[1:] == (1,):
        x = np.linspace(inputs.min(), inputs.max(), _STEPS, dtype=inputs.dtype)[:, np.newaxis]
        curves = predict(x)
        for output, axes in enumerate(panels):
            _draw_points(axes, inputs[drawn, 0], targets[drawn, output], "examples")
            axes.plot(x[:, 0], curves[:, output], color=VERMILLION, label="model", zorder=4)
            axes.set(xlabel=shorten(feature_names[0], 40), ylabel=shorten(target_names[output], 40))
    else:
        for output, axes in enumerate(panels):
            true, predicted = targets[:, output], predictions[:, output]
            _draw_points(axes, true[drawn], predicted[drawn], "examples")
            ends = [np.nanmin([true, predicted]), np.nanmax([true, predicted])]
            axes.plot(ends, ends, color=VERMILLION, linestyle=(0, (5, 2)), label="predicted = true", zorder=4)
            name = shorten(target_names[output], 40)
            axes.set(xlabel=f"{name}, true", ylabel=f"{name}, predicted", aspect="equal")
    for axes in panels:
        axes.grid()
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.3, columnspacing=1.2)
    footnote(figure, f"{len(drawn):,} of {len(targets):,} examples drawn" if len(drawn) < len(targets) else "")
    headline(figure, f"{display_name(subject)}: {_finding(targets, predictions, split)}")
    return figure


def _draw_points(axes: Axes, x: np.ndarray, y: np.ndarray, label: str) -> None:
    size, alpha = (26.0, 0.9) if len(x) <= 200 else (12.0, 0.6)
    axes.scatter(x, y, s=size, color=BLUE, alpha=alpha, edgecolors="white", linewidths=0.4, label=label, zorder=3)


def _finding(targets: np.ndarray, predictions: np.ndarray, split: str) -> str:
    """The share of the targets' variance that the model explains, R², in words."""
    where = f" of the {split} examples" if split else ""
    wrong = np.square(predictions.astype(float) - targets).sum()
    varied = np.square(targets - targets.mean(axis=0, dtype=float)).sum()
    if not np.isfinite(wrong):
        return "a prediction is not finite"
    if varied == 0:
        return f"the targets{where} are all alike"
    if wrong >= varied:
        return f"no better than the mean{where}"
    return f"{100 * (1 - wrong / varied):.3g}% of the variance{where} explained"
