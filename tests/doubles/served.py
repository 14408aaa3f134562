"""A trained model that can be asked, made from nothing: no chapter is imported and nothing is trained."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from engine.config import ExperimentConfig
from inference.answers import Classification, PredictOptions, Row, classification
from inference.chapter import ServedChapter
from inference.predictor import Predictor
from utils.schema import Strict

CONSTANTS = """
TITLE = "Toy"
PAPER = "On toys"
AUTHORS = "A. One"
YEAR = 1958
URL = "https://example.org/toys"
"""

TABLE: dict[str, Any] = {
    "name": "blobs",
    "class_names": ["a", "b"],
    "target_names": [],
    "feature_names": ["width", "height"],
    "input_shape": [2],
    "low": [-1.0, 0.0],
    "high": [1.0, 4.0],
    "fingerprint": "0123456789abcdef",
    "standardization": {"mean": [0.5, 2.0], "scale": [0.5, 3.0]},
    "target_standardization": None,
}


class NoSettings(Strict):
    """A model without settings."""


class Serving:
    """What a chapter's `serving.py` defines, around one linear layer."""

    Answer = Classification

    def __init__(self, outputs: Callable[[nn.Module, Tensor], dict[str, Tensor]]) -> None:
        self.outputs = outputs

    def decode(self, row: Row, data: Any, options: PredictOptions) -> Classification:
        return classification(row, data, options)


def build(config: object, data: object) -> nn.Module:
    return nn.Linear(2, 2)


def probabilities(model: nn.Module, x: Tensor) -> dict[str, Tensor]:
    return {"probabilities": torch.softmax(model(x), dim=1)}


def served(
    folder: Path,
    config: ExperimentConfig[Any],
    outputs: Callable[[nn.Module, Tensor], dict[str, Tensor]] = probabilities,
    seed: int = 0,
    **data: Any,
) -> Predictor:
    """A predictor of the chapter in `folder`, which is made.

    Args:
        folder: Such as `01_toy`.
        config: The config of its run.
        outputs: As in a chapter's `serving.py`, for a linear layer from two numbers to two.
        seed: Of its weights.
        data: What is different from `TABLE`.
    """
    (folder / "src").mkdir(parents=True, exist_ok=True)
    (folder / "src/constants.py").write_text(CONSTANTS)
    torch.manual_seed(seed)
    content = {
        "run_id": f"small-{seed}",
        "step": 12,
        "latest": {"train/accuracy": 0.75},
        "config": config.model_dump(mode="json"),
        "data": TABLE | data,
        "model": nn.Linear(2, 2).state_dict(),
        "average": None,
    }
    return Predictor(ServedChapter(folder, NoSettings, build, Serving(outputs)), content, "the double")
