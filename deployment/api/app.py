"""The routes."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from deployment.api.docs import add_docs
from deployment.api.errors import ApiError, ErrorAnswer, busy
from deployment.api.model.predict import Predictions
from deployment.api.openapi import add_predictions
from deployment.api.schemas import Health, Models
from deployment.api.service import Service


def make_app(
    service: Service,
    predictions: Predictions,
    keyed: bool,
    background: Callable[[], AbstractAsyncContextManager[None]],
) -> FastAPI:
    """The application.

    Args:
        service: What answers.
        predictions: How it answers.
        keyed: Whether clients need a key, for the document.
        background: Runs while the application does.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with background():
            yield

    app = FastAPI(
        title=f"{service.model.served.name}: predictions",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses={"default": {"model": ErrorAnswer, "description": "What is wrong"}},
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    add_predictions(app, service, predictions, keyed)
    _add_rest(app, service)
    add_docs(app)
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _defect)
    return app


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
        if service.stuck:
            raise busy("requests wait for others that do not come to an end")
        return Health(status="ready")

    @app.get("/metrics", tags=["metrics"], response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def metrics() -> Response:
        """Counters for Prometheus."""
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


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


async def _gone(_: Request, __: Any) -> Response:
    return Response(status_code=499)  # nobody reads it; the log has it


async def _defect(_: Request, error: Any) -> Response:
    return ApiError(500, "defect", "this is a defect of the server; its log has more").response()
