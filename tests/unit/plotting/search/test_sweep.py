"""What a sweep tried, and what came out."""

from typing import Any

import pytest

from plotting.search.sweep_history import sweep_history
from plotting.search.sweep_parameters import sweep_parameters

TRIALS: list[dict[str, Any]] = [
    {"number": 0, "value": 0.5, "parameters": {"lr": 0.1, "optimizer": "adam"}},
    {"number": 1, "value": None, "parameters": {"lr": 1.0, "optimizer": "sgd"}},
    {"number": 2, "value": 0.25, "parameters": {"lr": 0.01, "optimizer": "sgd"}},
    {"number": 3, "value": 0.75, "parameters": {"lr": 0.2, "optimizer": "adam"}},
]


@pytest.mark.parametrize(("mode", "best_so_far"), [("max", [0.5, 0.5, 0.75]), ("min", [0.5, 0.25, 0.25])])
def test_the_history_follows_the_best_value_so_far(mode: str, best_so_far: list[float]) -> None:
    axes = sweep_history("xor", TRIALS, "accuracy", mode).axes[0]
    values, best, unfinished = axes.lines
    assert list(values.get_ydata()) == [0.5, 0.25, 0.75]
    assert list(best.get_ydata()) == best_so_far
    assert list(unfinished.get_xdata()) == [1]


def test_each_parameter_has_a_panel_where_the_best_trial_stands_out() -> None:
    rate, optimizer = sweep_parameters("xor", TRIALS, "accuracy", "max", ("lr",)).axes[:2]
    assert rate.get_xscale() == "log"
    assert [list(line.get_xdata()) for line in rate.lines] == [[0.1, 0.01, 0.2], [0.2]]
    assert [label.get_text() for label in optimizer.get_xticklabels()] == ["adam", "sgd"]


def test_a_sweep_without_a_completed_trial_is_said_to_be_that() -> None:
    assert "no trial was completed" in sweep_history("xor", TRIALS[1:2], "accuracy", "max").get_suptitle()
    assert "no trial was completed" in sweep_parameters("xor", TRIALS[1:2], "accuracy", "max").get_suptitle()
