"""A server goes on with the model that it has while the registry cannot give another."""

import asyncio
import io
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from deployment.api.log import Log
from deployment.api.metrics import Metrics
from deployment.api.model.reload import Watch
from deployment.api.service import Service
from utils.errors import InputError, RunError


class Registry:
    """Gives versions by number, and does not always."""

    def __init__(self) -> None:
        self.number = 1
        self.error: Exception | None = None
        self.asked: list[str] = []

    def resolve(self) -> Any:
        self.asked.append("resolve")
        if self.error is not None:
            raise self.error
        return SimpleNamespace(number=self.number, name="01_toy")

    def load(self, version: Any) -> Any:
        self.asked.append(f"load {version.number}")
        if version.number == 3:
            raise InputError("version 3 is no checkpoint")
        return version.number


class Recorder(Service):
    """A service that uses what it is given."""

    def __init__(self) -> None:
        self.settings = SimpleNamespace(alias=SimpleNamespace(poll_seconds=0))
        self.metrics = Metrics()
        self.used = [1]

    def prepare(self, predictor: int, version: str) -> int:
        return predictor

    def use(self, model: int) -> None:
        self.used.append(model)


def watched(*scenes: Callable[[Registry], None]) -> tuple[Registry, Recorder, list[dict[str, Any]]]:
    """What came of a watch during which the scenes were played, each until it was looked at twice."""

    async def play() -> None:
        async with Watch(service, registry, 1, Log(text)).running():  # type: ignore[arg-type]
            for scene in scenes:
                scene(registry)
                registry.asked.append("scene")
                while registry.asked[::-1].index("scene") < 5:
                    await asyncio.sleep(0.001)

    registry, service, text = Registry(), Recorder(), io.StringIO()
    asyncio.run(play())
    return registry, service, [json.loads(line) for line in text.getvalue().splitlines()]


def to(number: int) -> Callable[[Registry], None]:
    return lambda registry: setattr(registry, "number", number)


def fails(error: Exception | None) -> Callable[[Registry], None]:
    return lambda registry: setattr(registry, "error", error)


def test_another_version_is_loaded_once() -> None:
    registry, service, log = watched(to(2), to(2))
    assert service.used == [1, 2]
    assert registry.asked.count("load 2") == 1
    assert [line["event"] for line in log] == ["reloaded"]


def test_a_version_that_cannot_be_used_is_tried_once_and_said_once() -> None:
    registry, service, log = watched(to(3), to(2))
    assert service.used == [1, 2]
    assert registry.asked.count("load 3") == 1
    assert [line["event"] for line in log] == ["reload_failed", "reloaded"]
    assert log[0]["message"] == "version 3 is no checkpoint"


def test_a_registry_that_is_away_is_asked_until_it_is_back_and_said_once() -> None:
    _, service, log = watched(fails(RunError("no answer")), fails(ValueError("what?")), fails(None), to(2))
    assert service.used == [1, 2]
    assert [line.get("message") for line in log] == ["no answer", "ValueError: what?", None]
    assert b'scratch_reloads_total{outcome="failed"}' in service.metrics.text()
