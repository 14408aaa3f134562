"""Typed, frozen views of what is read from YAML, validated once, with every error at once."""

import os
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TypeVar, get_args

# Before pydantic is imported: it would look through every installed package for plugins, and use any it finds.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from utils.errors import InputError, did_you_mean, unknown

MOST = 10**9
"""More of anything that is counted is a slip: libraries fail on it in ways of their own, or take down the machine."""
Count = Annotated[int, Field(ge=1, le=MOST)]


class Strict(BaseModel):
    """A frozen record that refuses unknown keys; the base of every config section and card."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Schema = TypeVar("Schema", bound=BaseModel)


def validate(schema: type[Schema], raw: Any, source: str) -> Schema:
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
        found = error.errors()
        message = f"{source}: {'; '.join(_describe(schema, raw, problem) for problem in found)}"
        first = ".".join(written_path(found[0]["loc"], raw, ends_with_a_key=found[0]["type"] == "missing"))
        raise InputError(message, code="config", where=first or source) from None


def _describe(schema: type[BaseModel], raw: Any, problem: Any) -> str:
    kind, location, given = problem["type"], problem["loc"], problem["input"]
    path = ".".join(written_path(location, raw, ends_with_a_key=kind == "missing"))
    start = f"{path}: " if path else ""
    if kind == "missing":
        return f"{path} is missing"
    if kind == "extra_forbidden":
        *parents, key = location
        return f"{path} is not a known key{did_you_mean(str(key), _keys(schema, parents))}"
    if kind == "union_tag_not_found":
        return f"{path}.{_unquoted(problem['ctx']['discriminator'])[0]} is missing"
    if kind == "union_tag_invalid":
        context = problem["ctx"]
        name = f"{path}.{_unquoted(context['discriminator'])[0]}"
        return str(unknown(name, context["tag"], _unquoted(context["expected_tags"])))
    if kind in ("model_type", "model_attributes_type"):
        return f"{start}this should be a section of keys and values (got {given!r})"
    message = problem["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    about_a_section = kind == "value_error" and isinstance(given, Mapping)
    return f"{start}{message}" if about_a_section else f"{start}{message} (got {given!r})"


def written_path(location: Iterable[Any], raw: Any, ends_with_a_key: bool) -> list[str]:
    """Where the problem is in `raw`: pydantic's location without the tags that it adds for unions."""
    *_, last = location or [None]
    written = []
    for part in location:
        inside = part in raw if isinstance(raw, Mapping) else isinstance(part, int)
        if inside or (ends_with_a_key and part is last):
            written.append(str(part))
            raw = raw[part] if inside else None
    return written


def _unquoted(text: str) -> list[str]:
    return re.findall("'([^']*)'", text)


def _keys(schema: Any, parents: list[Any]) -> list[str]:
    """The keys allowed at `parents`, found by walking the schema's annotations."""
    candidates = [schema]
    for parent in parents:
        candidates = [child for candidate in candidates for child in _children(candidate, parent)]
    return sorted({key for candidate in candidates for key in candidate.model_fields})


def _children(candidate: type[BaseModel], key: Any) -> list[type[BaseModel]]:
    fields = candidate.model_fields
    if key in fields:
        return _models_in(fields[key].annotation)
    is_its_tag = any(key in get_args(field.annotation) for field in fields.values())
    return [candidate] if is_its_tag or isinstance(key, int) else []


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if hasattr(annotation, "model_fields"):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]
