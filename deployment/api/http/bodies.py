"""The body of a request: read within limits, and turned into examples."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from deployment.api.errors import ApiError, busy
from deployment.api.schemas import PICTURE_TYPES, PICTURES_FIELD, Schemas
from deployment.api.settings import LimitSettings

_READ_ON = 4
"""So many times the limit is read of a body that is too long, and thrown away, so that the client hears the answer."""
_CHARSETS = ("utf-8", "utf8", "us-ascii")
"""Bodies are read as UTF-8. The form parser would hand any name to Python's codecs, some of which raise what it does
not expect, or read ASCII as something else."""


class BodyReader:
    """Reads bodies, and turns them into examples for a model.

    Args:
        schemas: Of the model.
        pictures: Whether it takes pictures.
        limits: Of a request, and of all together.
    """

    def __init__(self, schemas: Schemas, pictures: bool, limits: LimitSettings) -> None:
        self._schemas = schemas
        self._limits = limits
        self._held = 0
        self.types = ("application/json", *(("multipart/form-data", *PICTURE_TYPES) if pictures else ()))
        """The content types that are read."""

    async def read(self, request: Request) -> bytes:
        """The whole body; it counts among those that are held until `let_go`.

        Raises:
            ApiError: It is compressed, or too long, or others are held already.
            ClientDisconnect: The client has left.
        """
        if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise ApiError(415, "unsupported", "a compressed body is not read; send it as it is", "content-encoding")
        most = self._limits.body_bytes
        too_long = ApiError(413, "too_large", f"the body may have {most} bytes", headers={"Connection": "close"})
        length = request.headers.get("content-length", "")
        announced = int(length) if length.isdecimal() and len(length) < 20 else 0
        if announced > _READ_ON * most or (announced > most and "expect" in request.headers):
            raise too_long
        parts: list[bytes] = []
        total = 0
        try:
            async for part in request.stream():
                total += len(part)
                if total <= most:
                    parts.append(part)
                    self._hold(len(part))
                elif total > _READ_ON * most:
                    break
            if total > most:
                raise too_long
        except BaseException:
            self._held -= sum(map(len, parts))
            raise
        return b"".join(parts)

    def _hold(self, size: int) -> None:
        self._held += size
        if self._held > self._limits.all_bodies_bytes:
            raise busy("the bodies of other requests take all the room; try again")

    def let_go(self, body: bytes) -> None:
        """Of a body that was read, when its request has been answered."""
        self._held -= len(body)

    def type_of(self, headers: Headers) -> str:
        """The content type, without its parameters.

        Raises:
            ApiError: It is none that is read.
        """
        content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type not in self.types:
            given = f"'{content_type[:60]}'" if content_type else "no content type"
            message = f"{given} is not read; known: {', '.join(self.types)}"
            raise ApiError(415, "unsupported", message, "content-type", {"Accept-Post": ", ".join(self.types)})
        charset = _charset(headers["content-type"])
        if charset not in _CHARSETS:
            raise ApiError(415, "unsupported", f"charset '{charset[:60]}' is not read; send UTF-8", "content-type")
        return content_type

    def examples(self, content_type: str, headers: Headers, body: bytes) -> tuple[Sequence[Any], bool]:
        """The examples in `body`, and whether one answer is wanted rather than a list of them.

        Raises:
            ApiError: It does not hold what the model takes.
        """
        if content_type == "application/json":
            return self._schemas.read(body)
        if content_type == "multipart/form-data":
            return asyncio.run(self._files(headers, body)), False
        return [body], True

    async def _files(self, headers: Headers, body: bytes) -> list[bytes]:
        async def chunks() -> AsyncIterator[bytes]:
            yield body
            yield b""

        most = self._limits.examples
        parser = MultiPartParser(headers, chunks(), max_files=most, max_fields=most)  # type: ignore[arg-type]
        parser.spool_max_size = len(body)  # nothing is put on the disk
        try:
            form = await parser.parse()
        except MultiPartException as error:
            raise ApiError(400, "malformed", f"the form cannot be read: {error.message.rstrip('.')}") from None
        except (ValueError, LookupError, TypeError):  # headers that the parser itself trips over
            raise ApiError(400, "malformed", "the form cannot be read: it has a header that is none") from None
        files = []
        for name, value in form.multi_items():
            if name != PICTURES_FIELD or not isinstance(value, UploadFile):
                raise ApiError(422, "invalid", f"only files named '{PICTURES_FIELD}' are read", name[:60])
            files.append(await value.read())
        if not files:
            raise ApiError(422, "invalid", f"send at least one file named '{PICTURES_FIELD}'", PICTURES_FIELD)
        return files


def _charset(content_type: str) -> str:
    """The charset that a content type names, in small letters; UTF-8 where it names none."""
    _, parameters = parse_options_header(content_type.lower())
    return parameters.get(b"charset", b"utf-8").decode("latin-1")
