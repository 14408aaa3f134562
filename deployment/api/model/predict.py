"""A request for predictions: from its body to the answer."""

import asyncio
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import to_json
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from deployment.api.errors import ApiError, busy
from deployment.api.http.bodies import BodyReader
from deployment.api.service import Service
from inference.answers import PredictOptions

_INLINE_BYTES = 65536
"""A body up to here is read on the event loop; for a longer one, or a picture, a thread is worth its cost."""

Result = TypeVar("Result")


class Predictions:
    """Answers requests for predictions.

    Args:
        service: Has the model.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._limits = service.settings.limits
        self.reader = BodyReader(service.schemas, service.pictures, self._limits)

    async def answer(self, request: Request) -> Response:
        """The model's answer to what is in the body.

        Raises:
            ApiError: There is something wrong with the request, or too much to do.
        """
        model, limits, body = self._service.model, self._limits, None
        asked = _asked(request)
        content_type = self.reader.type_of(request.headers)
        try:
            async with asyncio.timeout(limits.read_seconds) as time:
                body = await self.reader.read(request)
                time.reschedule(asyncio.get_running_loop().time() + limits.answer_seconds)
                deadline = monotonic() + limits.answer_seconds
                long = len(body) > _INLINE_BYTES or content_type != "application/json"
                examples, one = await self._run(long, self.reader.examples, content_type, request.headers, body)
                files = self._service.pictures and any(isinstance(example, str | bytes) for example in examples)
                x = await self._run(long or files, model.tensor, examples, deadline)
                request.scope["examples"] = len(x)
                answering = model.answers(x, asked)
                answers = await (_unless_gone(request, answering) if model.batcher.is_long else answering)
        except TimeoutError:
            if body is not None:
                raise busy("there was no answer in time; try again") from None
            message = f"the body was not there after {limits.read_seconds:g} s"
            raise ApiError(408, "too_slow", message, headers={"Connection": "close"}) from None
        finally:
            if body is not None:
                self.reader.let_go(body)
        named = {"model": model.served.name, "version": model.served.version}
        said = {"answer": answers[0]} if one else {"answers": answers}
        return Response(to_json(named | said), media_type="application/json")

    async def _run(self, on_a_thread: bool, work: Callable[..., Result], *arguments: Any) -> Result:
        if not on_a_thread:
            return work(*arguments)
        return await asyncio.get_running_loop().run_in_executor(self._service.decoders, work, *arguments)


async def _unless_gone(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """The result of `work`, which is given up where the client leaves.

    Raises:
        ClientDisconnect: It has left.
    """
    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait([working, leaving], return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()


def _asked(request: Request) -> PredictOptions:
    """How answers are wanted, from the query."""
    given = request.query_params
    names = [name for name, _ in given.multi_items()]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ApiError(422, "invalid", "this may be given once", f"query.{twice[0][:60]}")
    try:
        asked = PredictOptions.model_validate_strings(dict(given))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = f"query.{problem['loc'][0]}"[:66]
        raise ApiError(422, "invalid", problem["msg"][0].lower() + problem["msg"][1:], where) from None
    for name, value in given.items():
        if "_" in value:  # pydantic takes 1_0 for 10
            raise ApiError(422, "invalid", "a number is written without '_'", f"query.{name}")
    return asked
