"""The OpenAPI document, with the schemas of the chapter that is served."""

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from deployment.api.errors import ErrorAnswer
from deployment.api.schemas import PICTURES_FIELD
from deployment.api.service import Service

_ERRORS = {
    400: "The body is not what its content type says",
    401: "The key is missing or wrong",
    408: "The body came too slowly",
    413: "The body is too long",
    414: "The address is too long",
    415: "The content type or the encoding is not read",
    422: "The body is not what the model takes",
    503: "The server is busy or stops; the header Retry-After says when to come back",
}


def add_described(app: FastAPI, service: Service, types: Sequence[str], predict: Callable[..., Any]) -> None:
    """Add `/v1/predict`, described by the schemas of the model.

    Args:
        app: Gets the route.
        service: What answers.
        types: The content types that are read.
        predict: The route's function; it reads the body itself.
    """
    request, answer, named = service.schemas.json_schemas()
    contents = {name: {"schema": _schema(name, request, service.settings.limits.examples)} for name in types}
    app.post(
        "/v1/predict",
        tags=["predictions"],
        responses={
            200: {"description": "Answers", "content": {"application/json": {"schema": answer}}},
            **{status: {"model": ErrorAnswer, "description": text} for status, text in _ERRORS.items()},
        },
        openapi_extra={"requestBody": {"required": True, "content": contents}},
    )(predict)

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            content = get_openapi(title=app.title, version=app.version, routes=app.routes)
            content["components"]["schemas"] |= named
            app.openapi_schema = content
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _schema(content_type: str, request: dict[str, Any], most: int) -> dict[str, Any]:
    picture = {"type": "string", "format": "binary"}
    if content_type == "application/json":
        return request
    if content_type != "multipart/form-data":
        return picture
    files = {"type": "array", "items": picture, "minItems": 1, "maxItems": most}
    return {
        "type": "object",
        "properties": {PICTURES_FIELD: files},
        "required": [PICTURES_FIELD],
        "additionalProperties": False,
    }
