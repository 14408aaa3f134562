"""The plots that pages in the browser show."""

import numpy as np
import pytest

from plotting.classification.decision_boundary import decision_boundary
from plotting.classification.response import response
from plotting.memory.overlaps import overlaps
from plotting.points import view
from plotting.training.runs_overlaid import runs_overlaid

RISING = [{"step": 4 * i, "epoch": i, "train/accuracy": i / 4} for i in range(5)]


def test_overlaps_name_the_nearest_pattern() -> None:
    figure = overlaps("digits", np.array([0.2, 0.6]), np.array([-0.1, 1.0]), ("zero", "one"))
    words = " ".join(figure.get_suptitle().split())
    assert words == "digits: nearest to 'one', overlap 0.60 at the start and 1.00 at the end"
    assert [bar.get_width() for bar in figure.axes[0].patches] == [-0.1, 1.0]


def test_of_many_overlaps_the_largest_are_drawn() -> None:
    after = np.linspace(-1, 1, 41)
    figure = overlaps("digits", after, after, tuple(map(str, range(41))))
    assert len(figure.axes[0].patches) == 12
    assert figure.get_supxlabel() == "29 patterns that are less alike are left out"


def test_overlaps_with_nothing_are_said_to_be_that() -> None:
    assert "nothing is stored" in overlaps("digits", np.zeros(0), np.zeros(0), ()).get_suptitle()


def test_a_response_says_how_much_the_answer_changes() -> None:
    x = np.linspace(0, 10, 20)
    figure = response("line", x, np.stack([x, -2 * x], axis=1), ("a", "b"), "age", "values", 5.0)
    assert figure.get_suptitle() == "line: along age the answer changes by 20"
    assert len(figure.axes[0].lines) == 3


def test_a_response_along_a_constant_column_is_drawn() -> None:
    response("line", np.ones(20), np.ones((20, 1)), ("a",), "age", "values", 1.0)


def test_runs_are_overlaid_over_their_epochs() -> None:
    figure = runs_overlaid(
        "train/accuracy", {"first": RISING, "second": RISING[:3], "other": [{"step": 0, "epoch": 0}]}
    )
    assert figure.get_suptitle() == "train/accuracy of 2 runs: 0.5 to 1 at the end"
    assert figure.get_supxlabel() == "1 of the chosen runs has no such metric"
    assert figure.axes[0].get_xlabel() == "epoch"


def test_a_run_whose_epochs_repeat_puts_all_on_steps() -> None:
    within = [{"step": i, "epoch": 0, "train/accuracy": 1.0} for i in range(3)]
    assert runs_overlaid("train/accuracy", {"a": RISING, "b": within}).axes[0].get_xlabel().startswith("step")


@pytest.mark.parametrize("log_scale", [False, True])
def test_values_that_cannot_be_drawn_are_gaps(log_scale: bool) -> None:
    rows = [{"step": i, "epoch": i, "loss": value} for i, value in enumerate((1.0, float("nan"), -1.0))]
    assert "1 value is not finite" in runs_overlaid("loss", {"a": rows}, log_scale).get_suptitle()


def test_no_run_with_the_metric_is_said() -> None:
    assert "no run" in runs_overlaid("loss", {"a": RISING}).get_suptitle()


def test_a_plane_without_points_is_drawn_where_it_is_said_what_to_show() -> None:
    nothing = np.zeros((0, 2), dtype=np.float32), np.zeros(0, dtype=np.int64)
    seen = view(np.array([[0.0, 0.0], [1.0, 1.0]]))
    figure = decision_boundary(
        "xor", *nothing, lambda x: (x[:, 0] > 0.5).astype(int), ("0", "1"), ("x1", "x2"), seen=seen
    )
    assert figure.get_suptitle() == "XOR: no points yet"
    assert figure.axes[0].get_xlim() == seen.x
