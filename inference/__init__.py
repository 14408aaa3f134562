"""Asking a trained model: raw examples in, answers out; no web code, no data set and no training.

    from inference import PredictOptions, Predictor

    predictor = Predictor.from_checkpoint(Path("models/03_mlp"), "latest")
    answers = predictor.predict([[0.5, -1.0]], PredictOptions(top=1))

The names are fetched when first used, so that a command line that only needs a schema does not wait for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inference.answers import PredictOptions
    from inference.predictor import Predictor
    from inference.signature import Signature

__all__ = ["PredictOptions", "Predictor", "Signature"]

_HOMES = {
    "PredictOptions": "inference.answers",
    "Predictor": "inference.predictor",
    "Signature": "inference.signature",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
