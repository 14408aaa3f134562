"""A real server of predictions, in a process of its own."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.doubles.scripts import COMMAND, READY, Ended, call, start

ROOT = Path(__file__).resolve().parents[2]


def trained(chapter: str, experiment: str, outputs: Path, epochs: int = 1) -> Path:
    """The folder of outputs with a run of `experiment`."""
    script = ROOT / "models" / chapter / "src/train.py"
    flags = ("--epochs", epochs, "--no-wandb", "--outputs", outputs, "tracking.tensorboard=false")
    done = call(script, "--experiment", experiment, *flags)
    assert done.code == 0, done.stderr
    return outputs


class ApiServer:
    """A process that serves.

    Args:
        chapter: Such as 03_mlp.
        arguments: Of `scratch serve`, after the chapter.
        env: Variables on top of this process's.
    """

    def __init__(self, chapter: str, *arguments: object, env: dict[str, str] | None = None) -> None:
        command = (*COMMAND, "serve", ROOT / "models" / chapter, "--device", "cpu", *arguments)
        self.process = start(*command, "server.port=0", env={"PYTHONPATH": str(ROOT), **READY, **(env or {})})
        self.log: list[dict[str, Any]] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = self.wait_for("started")["url"]
        self.client = httpx.Client(base_url=self.url, timeout=30)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.log.append(json.loads(line))
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def wait_for(self, event: str) -> dict[str, Any]:
        """The first line of the log about `event`."""

        def found() -> dict[str, Any] | None:
            return next((line for line in self.log if line["event"] == event), None)

        with self._news:
            self._news.wait_for(lambda: found() or not self._reader.is_alive(), timeout=60)
        line = found()
        assert line is not None, f"{event} did not happen: {self.log}"
        return line

    def ended(self) -> tuple[int, str]:
        """Exit code and stderr, once it has ended."""
        code = self.process.wait(60)
        self._reader.join(10)
        assert self.process.stderr is not None
        return code, self.process.stderr.read()

    def close(self) -> None:
        """End it, if it still runs."""
        self.client.close()
        self.process.terminate()
        self.process.wait(60)
        self._reader.join(10)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


@contextmanager
def api_server(chapter: str, *arguments: object, env: dict[str, str] | None = None) -> Iterator[ApiServer]:
    """A server that has started."""
    server = ApiServer(chapter, *arguments, env=env)
    try:
        yield server
    finally:
        server.close()


def connect(server: ApiServer) -> socket.socket:
    """A connection of its own to a server."""
    url = httpx.URL(server.url)
    return socket.create_connection((url.host, url.port or 0), timeout=20)


def rest(connection: socket.socket) -> bytes:
    """All that comes until the server closes the connection."""
    answer = b""
    try:
        while part := connection.recv(65536):
            answer += part
    except ConnectionResetError:
        pass
    return answer


def until(condition: Callable[[], bool]) -> None:
    """Wait for `condition`, generously."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def refused(*arguments: object) -> Ended:
    """What `scratch serve` says to a mistake."""
    return call(*COMMAND, "serve", *arguments, env=READY)
