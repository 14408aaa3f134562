"""The gradient of each layer, from the input upwards."""

from typing import Any

import pytest
from matplotlib.figure import Figure

from plotting.training.gradient_by_layer import gradient_by_layer


def headline(figure: Figure) -> str:
    return figure.get_suptitle().replace("\n", " ")


def row(step: int, *norms: float | None) -> dict[str, Any]:
    return {"step": step, "epoch": step} | {f"model/gradient_norm_{i}": norm for i, norm in enumerate(norms, 1)}


def test_the_first_and_the_last_record_are_drawn_on_a_logarithmic_axis() -> None:
    axes = gradient_by_layer("vanishing", [row(1, 1e-6, 1e-3, 1.0), row(2, 1, 1, 1), row(9, 0.1, 0.2, 0.4)]).axes[0]
    curves = [line for line in axes.lines if len(line.get_xdata()) == 3]
    assert [list(line.get_ydata()) for line in curves] == [[1e-6, 1e-3, 1.0], [0.1, 0.2, 0.4]]
    assert list(curves[0].get_xdata()) == [1, 2, 3]
    assert axes.get_yscale() == "log"
    assert [text.get_text() for text in axes.texts] == ["step 1", "step 9"]


def test_ten_layers_come_in_the_order_of_their_numbers() -> None:
    axes = gradient_by_layer("deep", [row(1, *(2.0**i for i in range(11)))]).axes[0]
    assert list(axes.lines[0].get_ydata()) == [2.0**i for i in range(11)]


@pytest.mark.parametrize(
    ("first", "words"),
    [
        (1e-6, "1,000,000 times smaller than the last one's"),
        (0.25, "0.25 of the last one's"),
        (1.3, "about as large as the last one's"),
        (40.0, "40 times the last one's"),
    ],
)
def test_the_headline_compares_the_first_layer_with_the_last(first: float, words: str) -> None:
    assert headline(gradient_by_layer("deep", [row(3, first, 1.0)])) == (
        f"deep: at step 3 the first layer's gradient is {words}"
    )


@pytest.mark.parametrize("history", [[], [{"step": 1, "epoch": 1}], [row(0, 0.0, 0.0)], [row(0, None, None)]])
def test_without_gradients_there_is_a_figure_that_says_so(history: list[dict[str, Any]]) -> None:
    assert "no gradients recorded" in headline(gradient_by_layer("deep", history))
