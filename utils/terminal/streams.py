"""Standard streams that are always there: one that is closed, or loses its reader, is no reason to fail."""

import io
import os
import sys
from typing import Any


def mend_streams() -> None:
    """Put /dev/null where the process was started without a stream, and let it take over from a reader that leaves.

    So a command goes on, and its exit code says how its work ended, with `2>&-` and in front of `| head`. Without a
    descriptor in its place, the next file to be opened would become the stream that libraries write to.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            _fill(number)
            if number:  # a command that reads says itself that there is no stdin
                setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif number and stream is getattr(sys, f"__{name}__"):  # not one that a test put there
            setattr(sys, name, _unbreakable(stream))


def _fill(number: int) -> None:
    try:
        os.fstat(number)
    except OSError:
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, number)
        if null != number:
            os.close(null)


class _Unbreakable(io.FileIO):
    """The raw file of an output stream."""

    def write(self, content: Any, /) -> int:
        """Write, or drop the content and all that follows where nobody reads any more."""
        try:
            return super().write(content)
        except BrokenPipeError:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.fileno())
            os.close(null)
            return len(memoryview(content).cast("B"))


def _unbreakable(stream: io.TextIOWrapper) -> io.TextIOWrapper:
    stream.flush()
    raw = _Unbreakable(stream.fileno(), "w", closefd=False)
    return io.TextIOWrapper(
        raw if stream.write_through else io.BufferedWriter(raw),  # as Python has it with -u
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
