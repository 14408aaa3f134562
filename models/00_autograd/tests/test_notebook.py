"""The notebook, on runs that are there and without those that are not."""

from collections.abc import Callable
from typing import Any


def test_the_notebook_executes_on_the_runs_that_there_are(notebook: Callable[..., Any]) -> None:
    runs = [(name, "trainer.duration='4 epochs'") for name in ("xor", "agreement", "cost")]
    shown = notebook(*runs)
    assert shown.missing == set()
    assert shown.pictures == 1
    assert "numbers on the tape: 3361" in shown.printed
