"""A server under measurement: started, asked, watched and stopped."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from environments import ROOT

from utils.terminal.environment import environment

CLIENT = Path(__file__).resolve().parent / "servers/client.py"
PATH = "/v1/predict"
START = 120.0
"""Seconds until a server has to answer."""
_TICKS, _PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")


class Server:
    """The processes of a server, from start to stop: a context manager.

    Args:
        command: What starts it; `{port}` stands for the port.
        variables: Added to the environment.
    """

    def __init__(self, command: Sequence[str | Path], variables: Mapping[str, str]) -> None:
        self.port = _free_port()
        self._command = [str(word).replace("{port}", str(self.port)) for word in command]
        self._variables = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), **variables}

    def __enter__(self) -> "Server":
        self._said = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            self._command,
            env=environment() | self._variables,
            stdout=self._said,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that all its processes can be stopped
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        members = self.processes()
        for number in (signal.SIGTERM, signal.SIGKILL):
            for process in members:
                _signal(process, number)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                continue
        self._said.close()

    def wait_until_it_answers(self, body: str) -> Any:
        """The answer to `body`.

        Raises:
            RuntimeError: It ended, or gave none in time; the message is the last line that it wrote.
        """
        deadline = time.monotonic() + START
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                status, answer = self.ask(body)
            except (OSError, http.client.HTTPException):
                status = 0
            if status == 200:
                return answer
            time.sleep(0.1)
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise RuntimeError(lines[-1].strip())

    def ask(self, body: str) -> tuple[int, Any]:
        """The status and the answer of one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", PATH, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, json.loads(response.read() or b"null")
        finally:
            connection.close()

    def load(self, bodies: Path, connections: int, *length: str) -> dict[str, Any]:
        """What the client measured; `length` is `--seconds N` or `--requests N`.

        Raises:
            RuntimeError: The server hung up or said nothing any more.
        """
        where = ["--port", str(self.port), "--path", PATH, "--bodies", str(bodies), "--connections", str(connections)]
        before = self.cpu_seconds()
        done = subprocess.run(
            [sys.executable, str(CLIENT), *where, *length], capture_output=True, text=True, check=False, timeout=600
        )
        if done.returncode != 0:
            raise RuntimeError((done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1])
        measured: dict[str, Any] = json.loads(done.stdout)
        measured["cpu"] = 1e6 * (self.cpu_seconds() - before) / measured["answers"]
        return measured

    def cpu_seconds(self) -> float:
        """Processor time of all its processes so far."""
        return sum(int(tick) for fields in self._stat() for tick in fields[11:13]) / _TICKS

    def resident_megabytes(self) -> float:
        """Memory of all its processes; what they share counts once for each."""
        return sum(int(fields[21]) for fields in self._stat()) * _PAGE / 2**20

    def processes(self) -> list[int]:
        """The numbers of its processes: those of its session, wherever they hang in the tree."""
        return [int(fields[-1]) for fields in self._stat()]

    def _stat(self) -> list[list[str]]:
        """For each of its processes the fields of /proc/PID/stat from the third on, and its number."""
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text(encoding="utf-8").rpartition(")")[2].split()
            except OSError:  # it has ended
                continue
            if int(fields[3]) == self._process.pid:
                found.append([*fields, path.parent.name])
        return found


def _signal(process: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it has ended
        os.kill(process, number)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
