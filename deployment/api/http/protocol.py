"""HTTP/1.1 of uvicorn, with limits on the head of a request and on how long a client may take."""

import asyncio
from collections.abc import Sized
from typing import Any

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from deployment.api.errors import ApiError, busy
from deployment.api.http.connections import ConnectionLimit
from deployment.api.settings import ServerSettings

_LINGER_SECONDS = 0.25
"""A request that was on its way when the server stopped still comes in this time."""


class LimitedProtocol(HttpToolsProtocol):
    """A connection.

    Its head, that is the first line and the headers of a request, must be short and come soon; uvicorn would wait
    forever, and keep all of it. What cannot be read as HTTP is answered in the form of all errors.

    Args:
        settings: The limits.
        limit: How many connections there may be.
        uvicorn: What `HttpToolsProtocol` takes.
    """

    def __init__(self, settings: ServerSettings, limit: ConnectionLimit, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self._settings = settings
        self._limit = limit
        self._in_head = False
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._answering: RequestResponseCycle | None = None
        self._unread_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come; it may say nothing for as long as between two requests."""
        super().connection_made(transport)
        self.flow = _Flow(transport, self.pipeline)
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)
        if len(self.connections) > self._limit.most:
            self._make_room()

    def _make_room(self) -> None:
        """Close a connection that waits for its next request, or turn this one away where all are at work."""
        self._limit.reached()
        others = [each for each in self.connections if each is not self and not each.transport.is_closing()]
        if len(others) < self._limit.most:
            return
        for other in others:
            if not other._in_head and not other._is_busy():  # type: ignore[union-attr]  # all are `LimitedProtocol`
                other.transport.close()
                return
        self._refuse(busy("too many connections; try again"))

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has left."""
        self._end_of_head()
        self._unset_keepalive_if_required()
        if self._answering is not None:  # uvicorn tells the last request on the connection only
            self._answering.disconnected = True
            self._answering.message_event.set()
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client sends no more. What it has asked is answered all the same, but in a long queue: there it may as
        well have left, which looks no different.
        """
        self._end_of_head()
        if self._answering is None or not self._is_busy() or self.cycle.more_body:
            return False
        self.cycle.keep_alive = False
        self._answering.message_event.set()
        return True

    def data_received(self, data: bytes) -> None:
        """Something came. The time between two requests goes on: what is no request does not lengthen it."""
        if self._in_head:
            self._head_bytes += len(data)  # until another request begins in it
        while data:
            try:
                self.parser.feed_data(data)
                break
            except httptools.HttpParserUpgrade as asked:
                data = self._without_upgrade(data[asked.args[0] :])
            except httptools.HttpParserError as error:
                problem = error.__context__
                self._refuse(problem if isinstance(problem, ApiError) else _malformed("this is not HTTP"))
                return
        if self._in_head and self._head_bytes > self._settings.header_bytes:
            self._refuse(self._too_long())

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        self._await_head()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._end_of_head()
        self._head_bytes = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if self._head_bytes > self._settings.header_bytes:
            raise self._too_long()
        hosts = [name for name, _ in self.headers].count(b"host")
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() == "1.1"):
            raise _malformed("a request has the header Host once")
        super().on_headers_complete()

    def _should_upgrade(self) -> bool:
        if self.parser.get_method() == b"CONNECT":
            raise _malformed("CONNECT is for proxies")
        return True  # so that uvicorn leaves it to `data_received`

    def _without_upgrade(self, rest: bytes) -> bytes:
        """A request that asks for another protocol, as one that does not: the parser would take its body for the
        other protocol, and HTTP lets a server ignore the question.

        Args:
            rest: What came after its head.
        """
        first = self.parser.get_method(), self.url, self.parser.get_http_version().encode()
        headers = [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn has it
        return b"\r\n".join([b"%s %s HTTP/%s" % first, *headers, b"", rest])

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def look(self, now: float) -> None:
        """Cut a client off that has left an answer unread for too long; called again and again."""
        if self.transport.get_write_buffer_size() == 0:
            self._unread_since = None
        elif self._unread_since is None:
            self._unread_since = now
        elif now - self._unread_since > self._settings.write_seconds:
            self.transport.abort()

    def timeout_keep_alive_handler(self) -> None:
        """No request has begun for too long, where there is none."""
        if not self._in_head and not self._is_busy():
            self.transport.close()

    def shutdown(self) -> None:
        """The server stops: what was asked is answered, and the connection closed."""
        if self._is_busy():
            super().shutdown()
        else:
            self.loop.call_later(_LINGER_SECONDS, self.timeout_keep_alive_handler)

    def _is_busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _too_slow(self) -> None:
        if self.flow.read_paused:  # the rest may be there; it is this side that does not read
            self._await_head()
            return
        seconds = self._settings.header_seconds
        self._refuse(ApiError(408, "too_slow", f"the headers were not there after {seconds:g} s"))

    def _too_long(self) -> ApiError:
        return ApiError(431, "too_large", f"the headers may have {self._settings.header_bytes} bytes")

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self._settings.header_seconds, self._too_slow)

    def _end_of_head(self) -> None:
        self._in_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, problem: ApiError) -> None:
        """Answer and close the connection, once an earlier request on it has its own answer."""
        self._end_of_head()
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete and (cycle.response_started or not cycle.more_body):
            cycle.keep_alive = False
            self.flow.pause_reading()
            return
        answer = problem.response()
        headers = b"".join(b"%s: %s\r\n" % header for header in answer.raw_headers)
        self.transport.write(STATUS_LINE[problem.status] + headers + b"connection: close\r\n\r\n" + bytes(answer.body))
        self.transport.close()


class _Flow(FlowControl):
    """Reads no more from a connection while requests from it wait for their turn; uvicorn would pile them up."""

    def __init__(self, transport: asyncio.Transport, waiting: Sized) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        if not self._waiting:
            super().resume_reading()


def _malformed(message: str) -> ApiError:
    return ApiError(400, "malformed", message)
