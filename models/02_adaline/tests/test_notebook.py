"""The notebook, on runs that are there and without those that are not; the shared tests execute it on `line` alone."""

from pathlib import Path

import pytest

from config import ModelConfig
from tests.support.notebooks import execute, train_short
from train import main

CHAPTER = Path(__file__).resolve().parents[1]


@pytest.mark.usefixtures("shapes_unchecked")
def test_the_notebook_executes_on_the_runs_that_there_are(tmp_path: Path) -> None:
    runs = [("stochastic", "trainer.duration='2 epochs'"), ("far-points", "trainer.duration='200 epochs'")]
    train_short(CHAPTER, ModelConfig, main, tmp_path / "outputs", runs)
    shown = execute(CHAPTER, tmp_path / "outputs")
    assert shown.missing == {"line", "noisy-blobs"}
    assert "misadjustment:" in shown.printed
