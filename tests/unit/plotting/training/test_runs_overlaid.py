import pytest

from plotting.training.runs_overlaid import runs_overlaid

RISING = [{"step": 4 * i, "epoch": i, "train/accuracy": i / 4} for i in range(5)]


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
