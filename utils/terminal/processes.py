"""Starts other programs so that none of them outlives the command that started it."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, Any, NoReturn

from utils.errors import Interrupted
from utils.terminal.environment import environment

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # a process that forks must have no more

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def become(python: Path, arguments: Sequence[str], env: Mapping[str, str] | None = None) -> NoReturn:
    """Turn this process into `python ARGUMENTS`: signals, terminal and exit code are then the program's own.

    Args:
        python: The interpreter.
        arguments: What it is given.
        env: Variables on top of this process's.
    """
    os.execve(python, [str(python), *arguments], environment() | dict(env or {}))


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGINT and SIGTERM leave the block with an `Interrupted`, so that what it started can be ended.

    So does SIGHUP, of a terminal that is closed. One that is ignored on entry, as SIGHUP is under nohup, stays ignored.
    """
    numbers = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    former = {number: signal.signal(number, _interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


class Children:
    """Runs programs, from several threads if need be, and ends those still running when the block is left early.

    Each gets a process group of its own, so that what it started ends with it.
    """

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._guard = threading.Lock()
        self._stopped = False
        self._signals = interruptible()

    def __enter__(self) -> "Children":
        self._signals.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._signals.__exit__(None, None, None)
        self.stop()

    def stop(self) -> None:
        """End what is running, and start nothing any more."""
        with self._guard:
            self._stopped = True
            running = list(self._running)
        for process in running:
            _signal_group(process, signal.SIGTERM)
        for process in running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                _signal_group(process, signal.SIGKILL)

    def run(
        self,
        command: Sequence[str],
        cwd: Path,
        output: IO[bytes],
        env: Mapping[str, str] | None = None,
    ) -> int:
        """Run `command` to its end and return its exit code.

        Args:
            command: The program and its arguments.
            cwd: Its current folder.
            output: Gets its stdout and stderr.
            env: Variables on top of this process's.
        """
        streams = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": subprocess.STDOUT}
        process = self.start(command, cwd, env, **streams)
        return 1 if process is None else self.wait(process)

    def start(
        self, command: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None, **streams: Any
    ) -> "subprocess.Popen[bytes] | None":
        """Start `command`, to be waited for by `wait`; None where the block was left already.

        Args:
            command: The program and its arguments.
            cwd: Its current folder.
            env: Variables on top of this process's.
            streams: `stdin`, `stdout` and `stderr` as `Popen` takes them.
        """
        with self._guard:
            if self._stopped:
                return None
            variables = environment() | dict(env or {})
            process = subprocess.Popen(command, cwd=cwd, env=variables, process_group=0, **streams)
            self._running.add(process)
            return process

    def wait(self, process: "subprocess.Popen[bytes]") -> int:
        """The exit code of `process`, once it has ended."""
        code = process.wait()
        with self._guard:
            self._running.discard(process)
        return code


def why_it_failed(log: Path) -> str:
    """What a program that ended with an error had to say, by the file that has its output."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return (errors or lines or ["it said nothing"])[-1]


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise Interrupted(number, f"stopped by {signal.Signals(number).name}")
