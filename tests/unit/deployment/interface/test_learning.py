"""Learning while someone watches: when there is something to see, and when it ends."""

import itertools
from pathlib import Path

import pytest
import torch

from deployment.interface import learning as module
from engine.config import ExperimentConfig
from inference.predictor import Predictor
from tests.doubles.bench import NETWORK, Bench
from tests.doubles.served import NoSettings, served


@pytest.fixture
def predictor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Predictor:
    """One whose model learns nothing, a second for each time through the points."""
    monkeypatch.setattr(module, "build_optimizers", lambda *_: {})
    monkeypatch.setattr(module, "build_update", lambda *_: lambda *_: None)
    monkeypatch.setattr(module.time, "monotonic", itertools.count().__next__)
    config: ExperimentConfig = Bench(NETWORK, tmp_path / "outputs").config("blobs")
    return served(tmp_path / "01_toy", config.model_copy(update={"model": NoSettings()}))


def looks(predictor: Predictor, epochs: int) -> list[int]:
    points, classes = torch.zeros(3, 2), torch.tensor([0, 1, 0])
    return [epoch for epoch, _ in module.learn(predictor, points, classes, epochs)]


def test_there_is_something_to_see_ever_more_seldom_and_at_the_end(predictor: Predictor) -> None:
    assert looks(predictor, 6) == [1, 4, 6]


def test_learning_ends_when_it_has_taken_ten_seconds(predictor: Predictor) -> None:
    assert looks(predictor, 2000) == [1, 4, 11]
    assert module.PATIENCE == 10
