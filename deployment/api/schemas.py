"""The schemas of a served model: what a request holds, made from its examples, and what an answer is."""

import json
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, Field, TypeAdapter, ValidationError, create_model

from data_utils.description import Description
from deployment.api.errors import ApiError
from deployment.api.settings import LimitSettings
from inference.examples import example_type
from inference.signature import Signature
from utils.schema import Strict, written_path

PICTURE_TYPES = ("image/png", "image/jpeg", "image/bmp", "image/webp")
PICTURES_FIELD = "picture"


class ServedModel(Strict):
    """A model that answers."""

    name: str
    """The chapter."""
    version: str
    """The version in the registry, or run and step of a checkpoint."""
    run_id: str
    step: int
    alias: str | None
    """The alias that chose the version."""
    signature: Signature
    limits: LimitSettings


class Models(Strict):
    """The models that answer: one, since a process serves one chapter."""

    models: list[ServedModel]


class Health(Strict):
    """How the server is."""

    status: str


class Schemas:
    """What a model's requests and answers look like.

    Args:
        data: What the model learned from.
        answer: The chapter's `Answer`.
        limits: Of a request.
    """

    def __init__(self, data: Description, answer: Any, limits: LimitSettings) -> None:
        example: Any = example_type(data, limits.largest_number)
        many: Any = Annotated[list[example], Field(min_length=1, max_length=limits.examples)]
        longest = json.dumps([np.zeros(data.input_shape).tolist(), data.feature_names]).encode()
        named: dict[str, Any] = {"model": (str, ...), "version": (str, ...)}
        self.one: Any = create_model("Example", __base__=Strict, input=(example, ...))
        self.many: Any = create_model("Examples", __base__=Strict, inputs=(many, ...))
        self.answer: Any = create_model("Answered", __base__=Strict, **named, answer=(answer, ...))
        self.answers: Any = create_model("AllAnswered", __base__=Strict, **named, answers=(list[answer], ...))
        self._most_values = max(_FEW_VALUES, limits.examples * _values(longest))

    def read(self, body: bytes) -> tuple[list[Any], bool]:
        """The examples in a JSON body, and whether there was only `input`.

        Raises:
            ApiError: It is not JSON, or not what the model takes, or has far more values than it could take.
        """
        if len(body) > self._most_values and _values(body) > self._most_values:
            raise ApiError(413, "too_large", f"a body in JSON may have {self._most_values} values")
        raw = _parsed(body)
        several = isinstance(raw, dict) and "inputs" in raw
        try:
            content = (self.many if several else self.one).model_validate(raw, strict=True)
        except ValidationError as error:
            raise _refusal(error, raw) from None
        examples = content.inputs if several else [content.input]
        plain = [item.model_dump(by_alias=True) if isinstance(item, BaseModel) else item for item in examples]
        return plain, not several

    def json_schemas(self) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """The JSON schemas of a request and of an answer, and the named ones that they refer to."""
        template = "#/components/schemas/{model}"
        request = TypeAdapter(self.one | self.many).json_schema(ref_template=template)
        answer = TypeAdapter(self.answer | self.answers).json_schema(ref_template=template, mode="serialization")
        named = request.pop("$defs") | answer.pop("$defs")
        return request, answer, named


def _values(body: bytes) -> int:
    """How many values there are at most in JSON: each comes after one of these signs."""
    return len(body) - len(body.translate(None, b",[{"))


def _parsed(body: bytes) -> Any:
    try:
        return _DECODER.decode(body.decode("utf-8"))
    except ApiError:
        raise
    except UnicodeDecodeError:
        raise ApiError(400, "malformed", "the body is not UTF-8") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ApiError(400, "malformed", f"the body is not JSON: {error.msg.lower()}", where) from None
    except ValueError:
        raise ApiError(400, "malformed", "the body has a number with too many digits") from None
    except RecursionError:
        raise ApiError(400, "malformed", "the body is nested too deeply") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ApiError(400, "malformed", "a key is there twice in an object")
    return content


def _no_number(name: str) -> Any:
    raise ApiError(400, "malformed", f"{name} is no number in JSON")


def _refusal(error: ValidationError, raw: Any) -> ApiError:
    """Of all that does not fit, the deepest: of the forms that an example may have, that is in the one meant."""
    if error.error_count() > _MOST_PROBLEMS:
        return ApiError(422, "invalid", f"{error.error_count()} parts of the body are not what the model takes")
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    places = [written_path(problem["loc"], raw, problem["type"] == "missing") for problem in problems]
    deepest = max(range(len(problems)), key=lambda i: (len(places[i]), not problems[i]["type"].endswith("_type")))
    message = problems[deepest]["msg"]
    where = ".".join(places[deepest])[:200]
    return ApiError(422, "invalid", message[0].lower() + message[1:], where or None)


_FEW_VALUES = 65_536
"""So many are read whatever the model takes, in a fraction of a second; many more would hold up everybody."""
_MOST_PROBLEMS = 20_000
"""So many are looked at; that takes a fraction of a second."""
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_number)
