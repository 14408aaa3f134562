"""The routes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from jaxtyping import Float
from pydantic_core import to_json
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from torch import Tensor

from deployment.api.bodies import BodyReader, read_body
from deployment.api.errors import ApiError, ErrorAnswer, busy
from deployment.api.model import Model
from deployment.api.openapi import add_described
from deployment.api.schemas import Health, Models
from deployment.api.service import Service
from inference.answers import Asked

_INLINE_BYTES = 65536
"""Bodies up to here are read on the event loop; a thread costs more."""


def make_app(service: Service, background: Callable[[], AbstractAsyncContextManager[None]] | None = None) -> FastAPI:
    """The application.

    Args:
        service: What answers.
        background: Runs while the application does.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            async with background() if background else _nothing():
                yield
        finally:
            service.close()

    app = FastAPI(
        title=f"{service.model.served.name}: predictions",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    _add_predict(app, service)
    _add_rest(app, service)
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(Exception, _defect)
    return app


def _add_predict(app: FastAPI, service: Service) -> None:
    limits = service.settings.limits
    reader = BodyReader(service.schemas, service.pictures, limits)
    loop = asyncio.get_running_loop

    async def predict(request: Request, asked: Annotated[Asked, Query()]) -> Response:
        """Ask the model about one example or several.

        `input` is one example and gets one `answer`; `inputs` is a list and gets `answers` in its order.
        """
        content_type = reader.type_of(request.headers)
        body = await read_body(request, limits)
        model = service.model
        try:
            async with asyncio.timeout(limits.answer_seconds):
                decode = partial(_decode, reader, model, content_type, request.headers, body)
                quick = len(body) <= _INLINE_BYTES and not service.pictures
                x, one = decode() if quick else await loop().run_in_executor(service.decoders, decode)
                request.scope["examples"] = len(x)
                answers = await model.answers(x, asked)
        except TimeoutError:
            raise busy(f"there was no answer after {limits.answer_seconds:g} s; try again") from None
        said = {"answer": answers[0]} if one else {"answers": answers}
        named = {"model": model.served.name, "version": model.served.version}
        return Response(to_json(named | said), media_type="application/json")

    add_described(app, service, reader.types, predict)


def _decode(
    reader: BodyReader, model: Model, content_type: str, headers: Headers, body: bytes
) -> tuple[Float[Tensor, "batch *shape"], bool]:
    """The examples in `body`, and whether one answer is wanted rather than a list of them."""
    examples, one = reader.examples(content_type, headers, body)
    return model.tensor(examples), one


def _add_rest(app: FastAPI, service: Service) -> None:
    @app.get("/v1/models", tags=["models"])
    async def models() -> Models:
        """What answers, and within which limits."""
        return Models(models=[service.model.served])

    @app.get("/health/live", tags=["health"])
    async def live() -> Health:
        """Whether the process works."""
        return Health(status="live")

    @app.get("/health/ready", tags=["health"], responses={503: {"model": ErrorAnswer}})
    async def ready() -> Health:
        """Whether new requests are welcome."""
        if service.draining:
            raise busy("the server is stopping")
        return Health(status="ready")

    @app.get("/metrics", tags=["metrics"], response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def metrics() -> Response:
        """Counters for Prometheus."""
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


@asynccontextmanager
async def _nothing() -> AsyncIterator[None]:
    yield


async def _api_error(_: Request, error: Any) -> Response:
    response: Response = error.response()
    return response


async def _http_error(request: Request, error: Any) -> Response:
    known = {
        404: ("not_found", "there is nothing here; /docs says what there is"),
        405: ("not_allowed", f"{request.method} is not for this; the header Allow says what is"),
    }
    code, message = known.get(error.status_code, ("invalid", str(error.detail)))
    return ApiError(error.status_code, code, message, headers=error.headers).response()


async def _validation_error(_: Request, error: Any) -> Response:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])[:200]
    return ApiError(422, "invalid", first["msg"][0].lower() + first["msg"][1:], where).response()


async def _defect(_: Request, error: Any) -> Response:
    return ApiError(500, "defect", "this is a defect of the server; its log has more").response()
