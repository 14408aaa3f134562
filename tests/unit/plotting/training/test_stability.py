"""Learning rates on both sides of the stability limit."""

import numpy as np
from matplotlib.figure import Figure

from plotting.training.stability import stability


def headline(figure: Figure) -> str:
    return figure.get_suptitle().replace("\n", " ")


def walks(*factors: float, steps: int = 10) -> np.ndarray:
    return 3.0 * np.array(factors)[:, None] ** np.arange(steps + 1)


def test_each_rate_is_a_curve_that_starts_at_one_and_is_named_at_its_end() -> None:
    figure = stability("line", np.array([0.5, 1.05]), walks(0.5, 1.1))
    panel = figure.axes[0]
    assert [line.get_ydata()[0] for line in panel.lines] == [1.0, 1.0]
    assert panel.lines[0].get_ydata()[-1] == 0.5**10
    assert [text.get_text() for text in panel.texts] == ["0.5", "1.05"]
    assert panel.get_yscale() == "log"


def test_the_headline_says_what_happened_on_either_side() -> None:
    assert headline(stability("line", np.array([0.5, 1.05]), walks(0.5, 1.1))) == (
        "line: in 10 steps the unit comes nearer below the limit and runs away above it"
    )
    assert headline(stability("line", np.array([0.5]), walks(0.5))).endswith("comes nearer below the limit")
    assert headline(stability("line", np.array([0.5]), walks(1.5))).endswith(
        "does not always come nearer below the limit"
    )
    assert headline(stability("line", np.array([1.0]), walks(1.0))).endswith("was not followed off the limit")


def test_the_second_panel_marks_the_limit() -> None:
    panel = stability("line", np.array([0.5, 1.05]), walks(0.5, 1.1)).axes[1]
    assert any(set(line.get_xdata()) == {1} for line in panel.lines)
    assert panel.collections[0].get_offsets()[:, 0].tolist() == [0.5, 1.05]


def test_a_distance_of_zero_is_drawn_at_the_floor() -> None:
    figure = stability("line", np.array([0.5]), walks(0.0))
    assert (figure.axes[0].lines[0].get_ydata() > 0).all()
