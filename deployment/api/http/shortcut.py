"""The way of a request for predictions, past the routing: that costs as much as reading, asking and answering."""

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from deployment.api.model.predict import Predictions


class Shortcut:
    """Passes `POST /v1/predict` to its handler, and all else to the application, which describes the route too.

    Args:
        app: The application.
        predictions: The handler. What it raises is for the gate.
    """

    def __init__(self, app: ASGIApp, predictions: Predictions) -> None:
        self._app = app
        self._predictions = predictions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or (scope["method"], scope["path"]) != ("POST", "/v1/predict"):
            await self._app(scope, receive, send)
            return
        try:
            response = await self._predictions.answer(Request(scope, receive))
        except ClientDisconnect:
            response = Response(status_code=499)  # nobody reads it; the log has it
        await response(scope, receive, send)
