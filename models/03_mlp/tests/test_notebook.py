"""The notebook, on runs that are there and without those that are not."""

from collections.abc import Callable
from typing import Any


def test_the_notebook_executes_on_the_runs_that_there_are(notebook: Callable[..., Any]) -> None:
    runs = [
        ("xor", "trainer.duration='50 epochs'"),
        ("vanishing", "trainer.duration='2 epochs'"),
        ("width", "trainer.duration='1 epochs'", "model.hidden=[4]"),
        ("width", "trainer.duration='1 epochs'", "model.hidden=[16]"),
    ]
    shown = notebook(*runs)
    assert shown.missing == {"vanishing-cured", "depth", "initialisation", "learning-rate", "mnist"}
    assert shown.pictures == 3
    assert "width: model.hidden [4]" in shown.printed
