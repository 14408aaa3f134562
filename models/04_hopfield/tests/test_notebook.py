"""The notebook, on runs that are there and without those that are not."""

from collections.abc import Callable
from typing import Any


def test_the_notebook_executes_on_the_runs_that_there_are(notebook: Callable[..., Any]) -> None:
    runs = [("recall", "data.units=100"), ("overload", "trainer.batch_size=20"), ("modern", "data.n=600")]
    shown = notebook(*runs)
    assert shown.missing == {"digits", "digits-pseudo-inverse"}
    assert shown.pictures == 4
    assert "holds  recall: train/energy_rise at_most 1e-09" in shown.printed
