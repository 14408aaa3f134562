"""uvicorn, stopped in good order."""

import asyncio
import gc
import logging
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NoReturn

import uvicorn
from starlette.types import ASGIApp

from deployment.api.http.connections import ConnectionLimit
from deployment.api.http.listening import unmet
from deployment.api.http.protocol import LimitedProtocol
from deployment.api.log import Log
from deployment.api.service import Service


class Server(uvicorn.Server):
    """Serves, and on SIGTERM or SIGINT stops in order: it says that it is not ready, takes requests for
    `drain_seconds` more, closes its doors, answers what it has taken, and ends the process.

    Args:
        app: The application.
        service: Its state and settings.
        log: Told of start and stop, and of what goes wrong in uvicorn.
    """

    def __init__(self, app: ASGIApp, service: Service, log: Log) -> None:
        settings = service.settings.server
        limit = ConnectionLimit(settings.connections, log)
        super().__init__(
            uvicorn.Config(
                app,
                loop="uvloop",
                http=partial(LimitedProtocol, settings, limit),  # type: ignore[arg-type]  # called as a class is
                ws="none",
                lifespan="on",
                log_config=None,
                log_level="error",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=settings.keep_alive_seconds,  # type: ignore[arg-type]  # any number will do
                timeout_graceful_shutdown=settings.stop_seconds,  # type: ignore[arg-type]
            )
        )
        self._service = service
        self._log = log
        self._stopped_by: int | None = None
        """The signal that ends the server."""
        logging.getLogger().addHandler(_Handler(log))  # without one, Python writes plain lines on stderr
        logging.captureWarnings(True)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say where."""
        gc.collect()
        gc.freeze()  # or a collection looks through all that torch has made, and every client waits for 0.1 s
        await super().startup(sockets)
        assert sockets is not None
        host, port = sockets[0].getsockname()[:2]
        served = self._service.model.served
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self._log.write("info", event="started", url=url, model=served.name, version=served.version)

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second; in one of them, look for clients who do not read."""
        if counter % 10 == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                connection.look(now)  # type: ignore[union-attr]  # all are `LimitedProtocol`
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what was taken, also from those who have only just connected, and end the process."""
        loop = asyncio.get_running_loop()
        clients = [client for listening in sockets or [] for client in unmet(listening)]
        for server in self.servers:
            server.close()
        for client in clients:
            await loop.connect_accepted_socket(self._connection, client)
        await super().shutdown(sockets)
        if self.server_state.tasks:  # cancelled after `stop_seconds`, they still say so
            await asyncio.wait(self.server_state.tasks, timeout=1)
        await asyncio.sleep(0)  # the loop writes at the end of a turn
        self._end()

    def _connection(self) -> asyncio.Protocol:
        connection: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return connection

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
        if self._stopped_by is not None:  # asked twice: at once
            self._end()
        self._stopped_by = number
        self._service.draining = True
        self._log.write("info", event="stopping", signal=signal.Signals(number).name)
        asyncio.get_running_loop().call_later(self._service.settings.server.drain_seconds, self._close)

    def _close(self) -> None:
        self.should_exit = True

    def _end(self) -> NoReturn:
        """End the process; the interpreter would wait for threads that compute what nobody needs any more."""
        assert self._stopped_by is not None
        os._exit(128 + self._stopped_by)


class _Handler(logging.Handler):
    """Puts what uvicorn and other libraries have to say into the log."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._write: Any = log.write

    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        text = logging.Formatter().formatException(record.exc_info) if record.exc_info else None
        self._write(record.levelname.lower(), event="server", message=record.getMessage(), traceback=text)
