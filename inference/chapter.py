"""What a chapter brings to inference: `build` of its `src/model.py`, and its `src/serving.py`."""

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from utils.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel
    from torch import Tensor, nn

    from data_utils.description import Counts, Description
    from engine.config import ExperimentConfig
    from inference.answers import PredictOptions, Row
    from utils.schema import Strict

    Build = Callable[[ExperimentConfig[Any], Counts], nn.Module]


@runtime_checkable
class Serving(Protocol):
    """The names that `serving.py` defines.

    Three more are optional, for pages in the browser (docs/interface.md): `recall(model, x)` of a memory gives what its
    page shows, `computation(model, x)` how one answer was computed, and `prepare(model, inputs, targets)` readies a new
    model for learning examples that a visitor placed.
    """

    Answer: Any
    """The schema of an answer: a pydantic model, or a union of some."""

    def outputs(self, model: Any, x: "Tensor") -> "dict[str, Tensor]":
        """What the model gives for a batch of inputs, as it learned from them: named tensors, one row an example.

        Only tensor operations, the same for every batch, so that it can be exported. An output named `values` holds
        targets as the model learned them.
        """

    def decode(self, row: "Row", data: "Description", options: "PredictOptions") -> "BaseModel":
        """The answer that one row of `outputs` means."""


@dataclass(frozen=True)
class ServedChapter:
    """A chapter whose models can be asked."""

    folder: Path
    model_config: "type[Strict]"
    build: "Build"
    """The model that a checkpoint's weights go into."""
    serving: Serving


def load_chapter(folder: Path) -> ServedChapter:
    """Import what a chapter brings; one process serves one chapter, since chapters share module names.

    Raises:
        InputError: The chapter has none.
    """
    source = folder.resolve() / "src"
    if not (source / "serving.py").is_file():
        raise InputError(f"{folder} cannot be asked: it has no src/serving.py, which says what its answers mean")
    if str(source) not in sys.path:
        sys.path.insert(0, str(source))
    serving: Any = importlib.import_module("serving")
    model_config = importlib.import_module("config").ModelConfig
    assert Path(serving.__file__).parent == source, f"another chapter is loaded: {serving.__file__}"
    return ServedChapter(folder.resolve(), model_config, importlib.import_module("model").build, serving)
