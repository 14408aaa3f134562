"""What a model takes and gives, in a form that can be compared: two models of one signature can take turns."""

import hashlib
import json
from typing import Any

from pydantic import TypeAdapter

from data_utils.description import Description
from utils.schema import Strict


class TensorSpec(Strict):
    """One tensor: its name, its type, and its shape without the batch, which comes first and has any length."""

    name: str
    dtype: str
    shape: tuple[int, ...]


class Signature(Strict):
    """What goes into a model of a chapter and what comes out."""

    chapter: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    target_names: tuple[str, ...]
    answer: dict[str, Any]
    """The JSON schema of an answer, without its descriptions."""

    @classmethod
    def of(cls, chapter: str, outputs: tuple[TensorSpec, ...], data: Description, answer: Any) -> "Signature":
        """The signature of a model that learned from `data` and answers with an `answer`."""
        return cls(
            chapter=chapter,
            inputs=(TensorSpec(name="x", dtype="float32", shape=data.input_shape),),
            outputs=outputs,
            feature_names=data.feature_names,
            class_names=data.class_names,
            target_names=data.target_names,
            answer=_without_prose(TypeAdapter(answer).json_schema()),
        )

    def digest(self) -> str:
        """16 hex digits that are the same for equal signatures."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()[:16]


def _without_prose(schema: Any) -> Any:
    """Other words about the same answer are no other answer."""
    if isinstance(schema, dict):
        return {k: _without_prose(v) for k, v in schema.items() if k != "description" or not isinstance(v, str)}
    return [_without_prose(part) for part in schema] if isinstance(schema, list) else schema
