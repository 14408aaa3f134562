"""The notebook, on runs that are there and without those that are not."""

from pathlib import Path

import pytest

from config import ModelConfig
from tests.support.notebooks import execute, train_short
from train import main

CHAPTER = Path(__file__).resolve().parents[1]


@pytest.mark.usefixtures("shapes_unchecked")
def test_the_notebook_executes_on_the_runs_that_there_are(tmp_path: Path) -> None:
    runs = [
        ("xor", "trainer.duration='50 epochs'"),
        ("vanishing", "trainer.duration='2 epochs'"),
        ("width", "trainer.duration='1 epochs'", "model.hidden=[4]"),
        ("width", "trainer.duration='1 epochs'", "model.hidden=[16]"),
    ]
    train_short(CHAPTER, ModelConfig, main, tmp_path / "outputs", runs)
    shown = execute(CHAPTER, tmp_path / "outputs")
    assert shown.missing == {"vanishing-cured", "depth", "initialisation", "learning-rate", "mnist"}
    assert shown.pictures == 3
    assert "width: model.hidden [4]" in shown.printed
