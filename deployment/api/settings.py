"""The settings of the server: from settings.yaml, a file, the environment and the command line, in that order."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from utils.errors import InputError
from utils.schema import Strict, validate

DEFAULTS = Path(__file__).with_name("settings.yaml")
DAY = 86_400
"""In seconds; whatever is meant to last longer is a slip."""
VARIABLE = "SCRATCH_API__"
"""What the variables start with that change a setting: `SCRATCH_API__BATCHING__MAX_WAIT_MS=2`."""


class ServerSettings(Strict):
    """Where the server listens, and how it treats connections."""

    host: str
    port: int = Field(ge=0, le=65535)
    """0 takes any that is free."""
    connections: int = Field(ge=1, le=1_000_000)
    """Open at once; the process must be allowed more open files."""
    keep_alive_seconds: float = Field(gt=0, le=DAY)
    """A connection without a request is closed after so long."""
    header_bytes: int = Field(ge=1024, le=2**20)
    """Of the first line and the headers of a request."""
    header_seconds: float = Field(gt=0, le=DAY)
    """A request's headers must be there after so long."""
    write_seconds: float = Field(gt=0, le=DAY)
    """A client that leaves an answer unread for so long is cut off."""
    drain_seconds: float = Field(ge=0, le=DAY)
    """After SIGTERM, new requests are still taken for so long, while `/health/ready` says no."""
    stop_seconds: float = Field(gt=0, le=DAY)
    """Then, what was taken must be answered after so long."""


class LimitSettings(Strict):
    """What a request may ask for, and how many there may be."""

    body_bytes: int = Field(ge=1, le=2**30)
    all_bodies_bytes: int = Field(ge=1, le=2**40)
    """Of the bodies of all requests that are worked on."""
    url_bytes: int = Field(ge=64, le=2**20)
    examples: int = Field(ge=1, le=100_000)
    """In one request."""
    pixels: int = Field(ge=1, le=2**30)
    """Of the pictures in one request that are sent as files, whatever size the model wants."""
    largest_number: float = Field(gt=0, le=3.4e38)
    """In absolute value, of an example."""
    read_seconds: float = Field(gt=0, le=DAY)
    """The body must be there after so long."""
    answer_seconds: float = Field(gt=0, le=DAY)
    """The answer must be there so long after the body."""
    stuck_seconds: float = Field(gt=0, le=DAY)
    """The server is not ready while a picture or a forward pass waits or is worked on for longer."""
    requests: int = Field(ge=1, le=1_000_000)
    """That are worked on at once."""
    waiting_examples: int = Field(ge=1, le=10_000_000)
    """That wait for the model."""


class BatchingSettings(Strict):
    """How requests share forward passes."""

    max_examples: int = Field(ge=1, le=4096)
    """In one forward pass; 1 turns batching off."""
    max_wait_ms: float = Field(ge=0, le=1000 * DAY)
    """An example waits at most so long for others where the model has nothing to do."""
    threads: int = Field(ge=1, le=1024)
    """Of one forward pass, on the CPU."""


class AliasSettings(Strict):
    """How a model that was chosen by alias is kept up to date."""

    poll_seconds: float = Field(gt=0, le=DAY)
    """The registry is asked this often which version the alias means."""


class Settings(Strict):
    """All of them."""

    server: ServerSettings
    limits: LimitSettings
    batching: BatchingSettings
    alias: AliasSettings


def read_settings(
    file: Path | None = None, overrides: Iterable[str] = (), environment: Mapping[str, str] | None = None
) -> Settings:
    """The settings: the defaults, changed by `file`, then by the environment, then by `overrides`.

    Args:
        file: YAML with some of the keys.
        overrides: Such as `batching.max_wait_ms=2`.
        environment: Variables that start with `SCRATCH_API__` count; the process's where it is None.

    Raises:
        InputError: A file cannot be read, or a setting is unknown or wrong; all of them are named.
    """
    raw = _read(DEFAULTS)
    if file is not None:
        for section, values in _read(file).items():
            raw[section] = {**raw.get(section, {}), **values} if isinstance(values, dict) else values
    for name, value in (os.environ if environment is None else environment).items():
        if name.startswith(VARIABLE):
            _put(raw, name.removeprefix(VARIABLE).lower().split("__"), value, name)
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals:
            raise InputError(f"cannot read the override '{override}': write key=value, such as batching.max_wait_ms=2")
        _put(raw, key.split("."), value, key)
    return validate(Settings, raw, "settings of the server")


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"cannot read settings {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        raise InputError(f"{path} is not valid YAML") from None
    if not isinstance(content, dict):
        raise InputError(f"{path} holds no settings: it should hold sections of keys and values")
    return content


def _put(raw: dict[str, Any], path: list[str], text: str, name: str) -> None:
    """Set what `path` names to `text`, which becomes a number where one is wanted."""
    if len(path) != 2 or not isinstance(raw.setdefault(path[0], {}), dict):
        raise InputError(f"'{name}' is no setting of the server: write section and key, such as batching.max_wait_ms")
    raw[path[0]][path[1]] = text
