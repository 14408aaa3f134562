"""uvicorn, stopped in good order."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from deployment.api.log import Log
from deployment.api.service import Service


class Server(uvicorn.Server):
    """Listens, and on SIGTERM or SIGINT goes in order: it says that it is not ready, takes requests for
    `drain_seconds` more, closes its doors, answers what it has taken, and ends.

    Args:
        app: The application.
        service: Its state and settings.
        log: Told of start and stop.
    """

    def __init__(self, app: ASGIApp, service: Service, log: Log) -> None:
        settings = service.settings.server
        super().__init__(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                loop="uvloop",
                http="httptools",
                ws="none",
                lifespan="on",
                access_log=False,
                log_level="warning",
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=settings.keep_alive_seconds,  # type: ignore[arg-type]  # any number of seconds
                timeout_graceful_shutdown=settings.stop_seconds,  # type: ignore[arg-type]
            )
        )
        self._service = service
        self._log = log
        self.stopped_by: int | None = None
        """The signal that ended the server."""

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """Listen, and say where."""
        await super().startup()
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            served = self._service.model.served
            self._log.write(
                "info", event="started", url=f"http://{shown}:{port}", model=served.name, version=served.version
            )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals on the event loop, and do not raise them again: the exit code says what happened."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop, number)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def _stop(self, number: int) -> None:
        if self.stopped_by is not None:  # asked twice: at once
            self.should_exit = self.force_exit = True
            return
        self.stopped_by = number
        self._service.draining = True
        self._log.write("info", event="stopping", signal=signal.Signals(number).name)
        asyncio.get_running_loop().call_later(self._service.settings.server.drain_seconds, self._close)

    def _close(self) -> None:
        self.should_exit = True
