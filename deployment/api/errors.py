"""What a client is told when something is wrong: always one shape, never a traceback."""

from collections.abc import Mapping

from pydantic import Field
from pydantic_core import to_json
from starlette.responses import Response

from utils.schema import Strict


class Problem(Strict):
    """What is wrong."""

    code: str
    """One word for programs."""
    message: str
    """One line for people."""
    where: str | None = Field(default=None)
    """The part of the request, such as `inputs.3`; left out where it is the whole of it."""


class ErrorAnswer(Strict):
    """The body of every answer whose status is 4xx or 5xx."""

    error: Problem


class ApiError(Exception):
    """Ends a request with an error.

    Args:
        status: The HTTP status.
        code: One word for programs.
        message: One line for people.
        where: The part of the request.
        headers: Of the answer.
    """

    def __init__(
        self, status: int, code: str, message: str, where: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.problem = Problem(code=code, message=message, where=where)
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """The answer."""
        body = to_json({"error": self.problem.model_dump(exclude_none=True)})
        return Response(body, self.status, self.headers, "application/json")


def busy(message: str) -> ApiError:
    """The error of a server that has too much to do, or stops; the client should come back."""
    return ApiError(503, "busy", message, headers={"Retry-After": "1"})
