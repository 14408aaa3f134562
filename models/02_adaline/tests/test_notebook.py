"""The notebook, on runs that are there and without those that are not; the shared tests execute it on `line` alone."""

from collections.abc import Callable
from typing import Any


def test_the_notebook_executes_on_the_runs_that_there_are(notebook: Callable[..., Any]) -> None:
    runs = [("stochastic", "trainer.duration='2 epochs'"), ("far-points", "trainer.duration='200 epochs'")]
    shown = notebook(*runs)
    assert shown.missing == {"line", "noisy-blobs"}
    assert "misadjustment:" in shown.printed
