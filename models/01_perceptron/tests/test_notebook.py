"""The notebook, on runs that are there and without those that are not."""

from pathlib import Path

import pytest

from config import ModelConfig
from tests.support.notebooks import execute, train_short
from train import main

CHAPTER = Path(__file__).resolve().parents[1]


@pytest.mark.usefixtures("shapes_unchecked")
def test_the_notebook_executes_on_the_runs_that_there_are(tmp_path: Path) -> None:
    runs = [(name, "trainer.duration='15 epochs'") for name in ("and", "xor", "iris-hard")]
    train_short(CHAPTER, ModelConfig, main, tmp_path / "outputs", runs)
    shown = execute(CHAPTER, tmp_path / "outputs")
    assert shown.missing == {"mnist-0v1"}
    assert shown.pictures == 4
    assert "holds  xor: train/accuracy at_most 0.75" in shown.printed
