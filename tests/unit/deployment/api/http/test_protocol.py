"""A connection with several requests on it, answered one after the other."""

import asyncio
import resource
from collections.abc import Coroutine
from typing import Any
from unittest.mock import Mock

import uvicorn
from uvicorn.server import ServerState

from deployment.api.http.connections import ConnectionLimit
from deployment.api.http.protocol import LimitedProtocol
from deployment.api.log import Log
from deployment.api.settings import read_settings

REQUEST = b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"


class Connection:
    """A client of `LimitedProtocol`, whose requests are answered when `go` is set, after `looks` for what it sends."""

    def __init__(self, header_seconds: float = 10.0, looks: int = 1) -> None:
        self.looks = looks
        self.answered: list[str] = []
        self.go = asyncio.Event()
        settings = read_settings().server.model_copy(update={"header_seconds": header_seconds})
        limit = ConnectionLimit(settings.connections, Mock(Log))
        config = uvicorn.Config(self._app, interface="asgi3", lifespan="off", log_config=None)
        self.protocol = LimitedProtocol(settings, limit, config=config, server_state=ServerState(), app_state={})
        self.transport = Mock(asyncio.Transport)
        self.transport.get_extra_info.return_value = None
        self.transport.is_closing.return_value = False
        self.protocol.connection_made(self.transport)

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        for _ in range(self.looks):
            await receive()
        await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})
        self.answered.append(scope["path"])

    @property
    def reads(self) -> bool:
        return not self.protocol.flow.read_paused

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(30):
            while not condition():
                await asyncio.sleep(0)


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


def test_there_are_never_more_connections_than_the_process_may_have_open_files() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    log = Mock(Log)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (160, before[1]))
        few = ConnectionLimit(1000, log)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert 8 <= few.most < 160 and ConnectionLimit(5, log).most == 5
    few.reached()
    few.reached()
    assert log.write.call_count == 1


def test_no_more_is_read_while_requests_wait_for_their_turn() -> None:
    async def test() -> None:
        connection = Connection()
        connection.protocol.data_received(b"".join(REQUEST % i for i in range(50)))
        connection.go.set()
        reading_early: list[int] = []

        def done() -> bool:
            if connection.reads and connection.protocol.pipeline:
                reading_early.append(len(connection.answered))
            return len(connection.answered) == 50

        await connection.until(done)
        assert reading_early == []
        assert connection.answered == [f"/{i}" for i in range(50)]
        assert connection.reads
        connection.protocol.connection_lost(None)

    run(test())


def test_a_client_that_leaves_is_not_written_to_whichever_of_its_requests_is_worked_on() -> None:
    async def test() -> None:
        connection = Connection()
        connection.protocol.data_received(REQUEST % 0 + REQUEST % 1)
        await asyncio.sleep(0)
        connection.protocol.connection_lost(None)
        connection.go.set()
        await connection.until(lambda: connection.answered)
        connection.transport.write.assert_not_called()

    run(test())


def test_a_client_that_sends_no_more_is_answered_and_looks_like_one_that_left_to_who_waits_for_that() -> None:
    async def test() -> None:
        connection = Connection(looks=2)
        connection.protocol.data_received(REQUEST % 0)
        connection.go.set()
        for _ in range(5):
            await asyncio.sleep(0)
        assert connection.answered == []
        assert connection.protocol.eof_received() is True
        await connection.until(lambda: connection.answered)
        connection.transport.close.assert_called_once()
        connection.protocol.connection_lost(None)

    run(test())


def test_half_a_head_is_not_too_slow_while_this_side_does_not_read() -> None:
    async def test() -> None:
        connection = Connection(header_seconds=0.001)
        connection.protocol.data_received(REQUEST % 0 + REQUEST % 1 + b"GET /2 HTT")
        first = connection.protocol._head_timer
        await connection.until(lambda: connection.protocol._head_timer is not first)
        connection.go.set()
        connection.protocol.data_received(b"P/1.1\r\nHost: x\r\n\r\n")
        await connection.until(lambda: len(connection.answered) == 3)
        connection.transport.close.assert_not_called()
        connection.protocol.connection_lost(None)

    run(test())


def test_many_short_heads_in_large_pieces_are_not_one_that_is_too_long() -> None:
    async def test() -> None:
        connection = Connection()
        connection.go.set()
        sent = b"".join(REQUEST % i for i in range(4000))
        third = len(sent) // 3 + 5
        for i in range(0, len(sent), third):
            connection.protocol.data_received(sent[i : i + third])  # the first two end within a head
        await connection.until(lambda: len(connection.answered) == 4000)
        connection.transport.close.assert_not_called()
        connection.protocol.connection_lost(None)

    run(test())
