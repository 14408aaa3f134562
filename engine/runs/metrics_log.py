"""`metrics.jsonl`: the record of a run, one JSON object a line, from which everything else can be rebuilt.

The JSON is strict: a number that is not finite is written as a string, and read back as the number.
"""

import json
import math
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from utils.errors import InputError
from utils.files import cannot_write, make_folder, sync_folder
from utils.strict_json import dumps, numbers

Row = dict[str, Any]


class MetricsLog:
    """Appends rows to `metrics.jsonl`.

    Args:
        path: The file; made if it is not there.
        size: Bytes to keep, as a checkpoint noted them: a resumed run forgets what it will write again.
    """

    def __init__(self, path: Path, size: int = 0) -> None:
        self.path = path
        try:
            make_folder(path.parent)
            self._file = path.open("ab", buffering=0)  # a row is written whole or taken back
            sync_folder(path.parent)
            if self._file.tell() < size:
                self._file.close()
                raise InputError(f"{path} is shorter than its run's checkpoint says; the run cannot be resumed")
            self._file.truncate(size)
            self._size = size
        except OSError as error:
            raise cannot_write(path, error) from error

    def append(self, row: Row) -> None:
        """Add one row and hand it to the system."""
        line = rest = dumps(row).encode() + b"\n"
        try:
            while rest:  # a disk that is nearly full takes a part before it refuses
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            with suppress(OSError):
                self._file.truncate(self._size)
            raise cannot_write(self.path, error) from error
        self._size += len(line)

    def sync(self) -> int:
        """Make the rows so far survive a crash of the machine; returns the size in bytes."""
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise cannot_write(self.path, error) from error
        return self._size

    def __enter__(self) -> "MetricsLog":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


class NullLog:
    """Stands for `metrics.jsonl` where nothing is to be written: in a rehearsal, on all ranks but the first."""

    def append(self, row: Row) -> None:
        """Forget `row`."""

    def sync(self) -> int:
        """No bytes are on the disk."""
        return 0

    def __enter__(self) -> "NullLog":
        return self

    def __exit__(self, *_: object) -> None:
        pass


def read_rows(path: Path, size: int = -1) -> list[Row]:
    """The rows of a `metrics.jsonl`, or of its first `size` bytes; a last line that a kill cut short is left out.

    Raises:
        InputError: It cannot be read, or another line is no row.
    """
    try:
        with path.open("rb") as file:
            return parse_rows(file.read(size))
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else "a line of it is damaged"
        raise InputError(f"cannot read the record {path}: {reason}; bring the file back, or train again") from None


def parse_rows(content: bytes) -> list[Row]:
    """The rows in a part of a `metrics.jsonl` that begins with a line; a line without its end is left out.

    Raises:
        ValueError: A line is no row.
    """
    return [_row(json.loads(line)) for line in content.split(b"\n")[:-1]]


def _row(content: Any) -> Row:
    """An object of numbers, or of null where there was none, that says at which step they were taken."""
    row = numbers(content) if isinstance(content, dict) else {}
    when = (row.get("step"), row.get("epoch", 0))
    if not all(_is_number(value) for value in row.values() if value is not None):
        raise ValueError("a value is no number")
    if not all(value is not None and math.isfinite(value) for value in when):
        raise ValueError("it is of no step")
    return row


def _is_number(value: object) -> bool:
    return isinstance(value, float) or (isinstance(value, int) and abs(value) <= sys.float_info.max)
