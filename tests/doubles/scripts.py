"""A chapter's scripts, started as their users start them."""

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from tests.doubles.bench import PERCEPTRON

COMMAND = ("-P", "-m", "cli")
"""`scratch`, in the Python of the tests: with `READY` in its environment it goes on in no other."""
READY = {"SCRATCH_ENVIRONMENT": "ready"}
TRAIN, EVALUATE = PERCEPTRON / "src/train.py", PERCEPTRON / "src/evaluate.py"


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    code: int
    stdout: str
    stderr: str


def start(*command: object, env: dict[str, str] | None = None, **options: Any) -> "subprocess.Popen[str]":
    """Start Python with these arguments; `options` are those of `Popen`."""
    streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(
        [sys.executable, *map(str, command)], text=True, env={**os.environ, **(env or {})}, **(streams | options)
    )


def finish(process: "subprocess.Popen[str]", seconds: float | None = None) -> Ended:
    """Wait for its end, for at most `seconds`; None leaves the limit to the test's own."""
    stdout, stderr = process.communicate(timeout=seconds)
    return Ended(process.returncode, stdout or "", stderr or "")


def call(*command: object, **options: Any) -> Ended:
    """Start Python with these arguments and wait for its end."""
    return finish(start(*command, **options))
