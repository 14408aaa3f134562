"""The OpenAPI document, with the schemas of the chapter that is served."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from deployment.api.errors import ErrorAnswer
from deployment.api.http.keys import needs_key
from deployment.api.model.predict import Predictions
from deployment.api.schemas import PICTURES_FIELD
from deployment.api.service import Service
from inference.answers import PredictOptions

_DESCRIPTION = """Ask the model about one example or several.

`input` is one example and gets one `answer`; `inputs` is a list and gets `answers` in its order.
"""
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


def add_predictions(app: FastAPI, service: Service, predictions: Predictions, keyed: bool) -> None:
    """Add `/v1/predict`, described by the schemas of the model, and the document.

    `predictions` reads body and query by itself: FastAPI would look at each part several times over.

    Args:
        app: Gets the route.
        service: Has the schemas.
        predictions: What answers.
        keyed: Whether clients need a key.
    """
    request, answer, named = service.schemas.json_schemas()
    most = service.settings.limits.examples
    contents = {name: {"schema": _schema(name, request, most)} for name in predictions.reader.types}
    app.post(
        "/v1/predict",
        name="predict",
        tags=["predictions"],
        description=_DESCRIPTION,
        responses={
            200: {"description": "Answers", "content": {"application/json": {"schema": answer}}},
            **{status: {"model": ErrorAnswer, "description": text} for status, text in _ERRORS.items()},
        },
        openapi_extra={"parameters": _parameters(), "requestBody": {"required": True, "content": contents}},
    )(predictions.answer)

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            content = get_openapi(title=app.title, version=app.version, routes=app.routes)
            content["components"]["schemas"] |= named
            if keyed:
                content["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
                for path in filter(needs_key, content["paths"]):
                    for operation in content["paths"][path].values():
                        operation["security"] = [{"key": []}]
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


def _parameters() -> list[dict[str, Any]]:
    """How answers may be wanted."""
    return [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in PredictOptions.model_json_schema()["properties"].items()
    ]
