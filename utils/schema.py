"""Typed, frozen views of what is read from YAML, validated once, with every error at once."""

from collections.abc import Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from utils.errors import InputError, did_you_mean


class Strict(BaseModel):
    """A frozen record that refuses unknown keys; the base of every config section and card."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Schema = TypeVar("Schema", bound=BaseModel)


def validate(schema: type[Schema], raw: Mapping[str, Any], source: str) -> Schema:
    """Check `raw` against `schema`.

    Args:
        schema: The pydantic model to build.
        raw: Plain data, as read from YAML.
        source: What the data is, for the message: a file, "the config of experiment xor".

    Raises:
        InputError: One line that lists every problem with its path in `raw`.
    """
    try:
        return schema.model_validate(raw)
    except ValidationError as error:
        problems = [_describe(schema, problem) for problem in error.errors()]
        raise InputError(f"{source}: {'; '.join(problems)}") from None


def _describe(schema: type[BaseModel], problem: Any) -> str:
    path = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        *parents, key = problem["loc"]
        return f"{path} is not a known key{did_you_mean(str(key), _keys(schema, parents))}"
    if problem["type"] == "missing":
        return f"{path} is missing"
    message = problem["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    return f"{path}: {message} (got {problem['input']!r})"


def _keys(schema: Any, parents: list[Any]) -> list[str]:
    """The keys allowed at `parents`, found by walking the schema's annotations; tags of unions are matched by name."""
    candidates = [schema]
    for parent in parents:
        candidates = [child for candidate in candidates for child in _children(candidate, parent)]
    return sorted({key for candidate in candidates for key in getattr(candidate, "model_fields", {})})


def _children(candidate: Any, key: Any) -> list[Any]:
    if not hasattr(candidate, "model_fields"):
        return []
    if key in candidate.model_fields:
        return _models_in(candidate.model_fields[key].annotation)
    return [candidate]  # the tag of a discriminated union, already narrowed by its parent


def _models_in(annotation: Any) -> list[Any]:
    if hasattr(annotation, "model_fields"):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]
