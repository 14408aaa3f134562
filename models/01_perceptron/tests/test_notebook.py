"""The notebook, on runs that are there and without those that are not."""

from collections.abc import Callable
from typing import Any


def test_the_notebook_executes_on_the_runs_that_there_are(notebook: Callable[..., Any]) -> None:
    runs = [(name, "trainer.duration='15 epochs'") for name in ("and", "xor", "iris-hard")]
    shown = notebook(*runs)
    assert shown.missing == {"mnist-0v1"}
    assert shown.pictures == 4
    assert "holds  xor: train/accuracy at_most 0.75" in shown.printed
