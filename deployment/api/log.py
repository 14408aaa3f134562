"""The log: one JSON object a line, on stdout; never the body of a request, never a key."""

import sys
from contextlib import suppress
from datetime import UTC, datetime
from io import TextIOBase
from typing import Any

from pydantic_core import to_json


class Log:
    """Writes lines.

    Args:
        stream: Where to.
    """

    def __init__(self, stream: TextIOBase | None = None) -> None:
        self._stream = stream or sys.stdout

    def write(self, level: str, **fields: Any) -> None:
        """One line with the time, `level`, and the fields that are not None."""
        if self._stream is None:  # Python gives none where stdout was closed before it started
            return
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        present = {name: value for name, value in fields.items() if value is not None}
        with suppress(OSError):  # a log that nobody reads any more must not fail a request
            self._stream.write(to_json({"time": time, "level": level, **present}).decode() + "\n")
            self._stream.flush()
