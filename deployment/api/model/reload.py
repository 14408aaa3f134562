"""The model that an alias of the registry means, and the change to another while requests are served."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol, runtime_checkable

from deployment.api.log import Log
from deployment.api.service import Service
from deployment.registry.client import Registry, Version
from deployment.registry.manifest import CHECKPOINT
from inference.predictor import Predictor
from utils.errors import InputError, ScratchError


@runtime_checkable
class Source(Protocol):
    """Where versions of a model come from."""

    def resolve(self) -> Version:
        """The version that is wanted now."""

    def load(self, version: Version) -> Predictor:
        """That version, ready to be asked."""


class AliasSource:
    """The versions that an alias means.

    Args:
        chapter: The chapter's folder; its name is that of the model.
        alias: Such as prod.
        uri: Of the registry.
        device: As `Predictor` takes it.
    """

    def __init__(self, chapter: Path, alias: str, uri: str | None, device: str) -> None:
        self._chapter = chapter
        self.alias = alias
        self._device = device
        self._registry = Registry(uri)

    def resolve(self) -> Version:
        """The version that the alias means now.

        Raises:
            ScratchError: There is none, or the registry cannot be reached.
        """
        return self._registry.resolve(self._chapter.name, self.alias)

    def load(self, version: Version) -> Predictor:
        """The checkpoint of a version; nothing of it stays on the disk, unless the process ends meanwhile.

        Raises:
            ScratchError: It cannot be fetched or used.
        """
        with tempfile.TemporaryDirectory(prefix="scratch-api-") as folder:
            bundle = self._registry.fetch(version, Path(folder, "bundle"))
            return Predictor.from_checkpoint(self._chapter, str(bundle / CHECKPOINT), device=self._device)


class Watch:
    """Asks a source again and again, and changes the model where it has another version.

    The new model is loaded and warmed up beside the old one, which answers until then; where that fails, it goes on
    answering. A version that cannot be used is not tried again; a registry that cannot be reached is.

    Args:
        service: Whose model.
        source: Where versions come from.
        number: The version that answers now.
        log: Told of changes and failures.
    """

    def __init__(self, service: Service, source: Source, number: int, log: Log) -> None:
        self._service = service
        self._source = source
        self._seen = number
        self._log = log
        self._last_failure = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch until the block is left."""
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._service.settings.alias.poll_seconds)
            try:
                await self._look()
            except Exception as error:  # whatever it is, the old model goes on
                self._failed(error)

    async def _look(self) -> None:
        version = await asyncio.to_thread(self._source.resolve)
        if version.number == self._seen:
            self._last_failure = ""
            return
        try:
            predictor = await asyncio.to_thread(self._source.load, version)
            model = await asyncio.to_thread(self._service.prepare, predictor, str(version.number))
        except InputError:
            self._seen = version.number
            raise
        self._service.use(model)
        self._seen = version.number
        self._last_failure = ""
        self._service.metrics.reloads.labels("done").inc()
        self._log.write("info", event="reloaded", model=version.name, version=str(version.number))

    def _failed(self, error: Exception) -> None:
        self._service.metrics.reloads.labels("failed").inc()
        message = str(error) if isinstance(error, ScratchError) else f"{type(error).__name__}: {error}"
        if message != self._last_failure:  # once, however often it is tried
            self._log.write("error", event="reload_failed", message=message)
        self._last_failure = message
