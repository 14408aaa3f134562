"""What every request passes: number, key, limits, one line in the log, counters."""

import asyncio
import itertools
import re
import secrets
import time
import traceback
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deployment.api.errors import ApiError, busy
from deployment.api.http.keys import Keys, needs_key
from deployment.api.log import Log
from deployment.api.service import Service

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ROUTES = ("/v1/predict", "/v1/models", "/health/live", "/health/ready", "/metrics", "/openapi.json", "/docs")


class Gate:
    """The outermost layer of the application.

    Args:
        app: What is behind it.
        service: Whose limits and counters.
        keys: The keys that clients may have; any client may come where it is None.
        log: Gets a line for each request.
    """

    def __init__(self, app: ASGIApp, service: Service, keys: Keys | None, log: Log) -> None:
        self._app = app
        self._service = service
        self._keys = keys
        self._log = log
        self._in_progress = 0
        service.metrics.in_progress.set_function(lambda: self._in_progress)
        self._start, self._numbers = secrets.token_hex(6), itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        exchange = _Exchange(scope, send, f"{self._start}{next(self._numbers):x}", self._service)
        try:
            await self._serve(exchange, receive)
        finally:
            self._account(exchange, time.perf_counter() - started)

    async def _serve(self, exchange: "_Exchange", receive: Receive) -> None:
        try:
            self._check(exchange.scope)
            # A HEAD is answered like a GET; the server below leaves the body out.
            method = "GET" if exchange.scope["method"] == "HEAD" else exchange.scope["method"]
            exchange.inner = {**exchange.scope, "method": method}
            if exchange.scope["path"].startswith("/v1/"):
                await self._serve_counted(exchange, receive)
            else:
                await self._app(exchange.inner, receive, exchange.send)
        except ApiError as error:
            await exchange.answer(error)
        except asyncio.CancelledError:  # the server can wait no longer
            await exchange.answer(busy("the server is stopping"))
        except Exception:
            self._log.write("error", event="defect", request_id=exchange.id, traceback=traceback.format_exc())
            await exchange.answer(ApiError(500, "defect", "this is a defect of the server; its log has more"))

    async def _serve_counted(self, exchange: "_Exchange", receive: Receive) -> None:
        """Whoever may not come in does not count, and cannot keep out those who may."""
        if self._in_progress >= self._service.settings.limits.requests:
            raise busy("too many requests are being worked on; try again")
        self._in_progress += 1
        try:
            await self._app(exchange.inner, receive, exchange.send)
        finally:
            self._in_progress -= 1

    def _check(self, scope: Scope) -> None:
        limits = self._service.settings.limits
        if len(scope["raw_path"]) + len(scope["query_string"]) > limits.url_bytes:
            raise ApiError(414, "too_large", f"the address may have {limits.url_bytes} bytes")
        if self._keys and needs_key(scope["path"]) and not self._keys.allow(scope["headers"]):
            raise ApiError(
                401, "unauthorized", "send a key: 'Authorization: Bearer KEY'", headers={"WWW-Authenticate": "Bearer"}
            )

    def _account(self, exchange: "_Exchange", seconds: float) -> None:
        path = exchange.scope["path"]
        route = path if path in _ROUTES else "other"
        self._service.metrics.request(route, exchange.status, seconds)
        self._log.write(
            "info",
            event="request",
            request_id=exchange.id,
            method=exchange.scope["method"],
            path=path[:200],
            status=exchange.status,
            ms=round(seconds * 1000, 3),
            examples=exchange.inner.get("examples"),
        )


class _Exchange:
    """One request and what has been answered."""

    def __init__(self, scope: Scope, send: Send, number: str, service: Service) -> None:
        self.scope = scope
        self.inner: dict[str, Any] = {}
        self._send = send
        self._service = service
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"").decode("latin-1")
        self.id = given if _ID.fullmatch(given) else number
        self.status = 0
        """Of the answer; 0 before there is one."""

    async def send(self, message: Message) -> None:
        """Pass on a part of the answer, with the headers that all answers have."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self.id
            headers["X-Content-Type-Options"] = "nosniff"
            headers.setdefault("Cache-Control", "no-store")
            if self._service.draining:
                headers["Connection"] = "close"
        await self._send(message)

    async def answer(self, error: ApiError) -> None:
        """Answer with an error, where nothing was answered yet."""
        if self.status == 0:
            await error.response()(self.scope, _nothing_more, self.send)


async def _nothing_more() -> Message:
    return {"type": "http.disconnect"}
