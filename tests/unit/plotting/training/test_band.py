"""A run over the band of its experiment."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from plotting.training.band import band


def known(run: list[float], **changes: Any) -> dict[str, Any]:
    return {
        "run": ([0, 5, 10], run),
        "steps": [0, 5, 10],
        "seeds": ([0.9, 0.4, 0.2], [1.1, 0.6, 0.3]),
        "middle": [1.0, 0.5, 0.25],
        "limits": ([0.7, 0.2, 0.1], [1.3, 0.8, 0.4]),
        "logarithmic": False,
        "leaves_at": None,
        **changes,
    }


def headline(figure: Figure) -> str:
    return figure.get_suptitle().replace("\n", " ")


def test_a_run_inside_is_said_to_be() -> None:
    figure = band("xor", {"train/loss": known([1.0, 0.55, 0.22])})
    assert headline(figure) == "XOR: the run stays inside the band of its experiment"
    assert figure.axes[0].get_title(loc="left") == "Stays inside"
    assert [text.get_text() for text in figure.axes[0].texts] == ["seeds", "run"]


def test_a_run_outside_is_said_where_it_leaves_and_in_what() -> None:
    outside = known([1.0, 2.0, 3.0], leaves_at=5)
    figure = band("xor", {"train/loss": outside, "train/accuracy": known([1.0, 0.5, 0.25])})
    assert headline(figure) == "XOR: the run leaves the band of its experiment in train/loss"
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Leaves at step 5", "Stays inside"]


def test_the_panel_shows_all_of_the_run_and_of_the_seeds() -> None:
    low, high = band("xor", {"a/b": known([1.0, 2.0, -1.0])}).axes[0].get_ylim()
    assert low < -1.0
    assert high > 2.0


def test_a_band_over_many_scales_is_logarithmic_and_drawn_even_with_a_zero() -> None:
    figure = band("xor", {"train/loss": known([1.0, 0.0, 0.25], logarithmic=True, leaves_at=5)})
    assert figure.axes[0].get_yscale() == "log"
    figure.draw_without_rendering()


def test_a_value_that_is_not_finite_is_a_gap_and_said() -> None:
    figure = band("xor", {"train/loss": known([1.0, np.inf, 0.25])})
    assert headline(figure).endswith(", 1 value is not finite (gaps)")
