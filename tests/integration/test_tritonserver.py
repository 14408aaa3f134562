"""The real Triton Inference Server on an export: the same numbers as the checkpoint, over HTTP and over gRPC."""

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.chapters import Project
from cli.venvs import triton_venv
from tests.doubles.scripts import call, finish, start
from tests.doubles.toy_clone import REPOSITORY
from tests.integration.test_export import CHAPTERS, export, train

pytestmark = pytest.mark.timeout(300)

CHAPTER = CHAPTERS["03_mlp"]
DOUBLES = REPOSITORY / "tests/doubles"


class Server:
    """`scratch tritonserver` on a folder.

    Args:
        folder: The model repository.
        log: Gets what the server says.
    """

    def __init__(self, folder: Path, log: Path) -> None:
        self.http, self.grpc = _free_ports(2)
        self.log = log
        ports = ("--http-port", self.http, "--grpc-port", self.grpc)
        with log.open("w") as file:
            self.process = start(
                *("-m", "cli", "tritonserver", folder, *ports),
                **{"stdout": file, "stderr": subprocess.STDOUT, "cwd": REPOSITORY},
            )

    def wait(self, seconds: float) -> None:
        """Until it is ready; the first time its environment is made first."""
        deadline = time.monotonic() + seconds
        while not self._is_ready():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/v2/health/ready", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run in `outputs`, and its export in `repository`."""
    folder = tmp_path_factory.mktemp("triton-test")
    train(CHAPTER, folder / "outputs", "digits")
    to = ("--to", folder / "repository")
    ended = export(CHAPTER, folder / "outputs", "--checkpoint", "latest", "--format", "triton", *to)
    assert ended.code == 0, ended.stderr
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    server = Server(folder / "repository", folder / "server.log")
    try:
        server.wait(240)
        yield server
    finally:
        server.process.send_signal(signal.SIGTERM)
        finish(server.process)


@pytest.fixture(scope="module")
def answered(folder: Path, server: Server) -> dict[str, Any]:
    """What `triton_client.py` printed, and what the checkpoint says, for three pictures."""
    x = [[[[(row * column + picture) % 7 / 7 for column in range(8)] for row in range(8)]] for picture in range(3)]
    request = folder / "request.json"
    request.write_text(json.dumps({"model": CHAPTER.name, "output": "probabilities", "x": x}))
    config = folder / "repository" / CHAPTER.name / "config.pbtxt"
    python = triton_venv(Project().root).python
    done = subprocess.run(
        [python, "-P", DOUBLES / "triton_client.py", str(server.http), str(server.grpc), request, config],
        env={**os.environ, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    asked = (DOUBLES / "checkpoint_outputs.py", CHAPTER.folder, folder / "outputs", request)
    ended = call(*asked, env={"PYTHONPATH": str(REPOSITORY)})
    assert ended.code == 0, ended.stderr
    return {**json.loads(done.stdout), "checkpoint": json.loads(ended.stdout)}


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_triton_gives_the_numbers_of_the_checkpoint(protocol: str, answered: dict[str, Any]) -> None:
    for given, wanted in zip(answered[protocol], answered["checkpoint"], strict=True):
        assert given == pytest.approx(wanted, abs=1e-4)


def test_the_config_is_one_that_triton_knows(answered: dict[str, Any]) -> None:
    assert answered["config"] == {
        "name": "03_mlp",
        "backend": "python",
        "maxBatchSize": 256,
        "input": [{"name": "x", "dataType": "TYPE_FP32", "dims": ["1", "8", "8"]}],
        "output": [{"name": "probabilities", "dataType": "TYPE_FP32", "dims": ["10"]}],
        "dynamicBatching": {"maxQueueDelayMicroseconds": "2000"},
        "instanceGroup": [{"kind": "KIND_CPU", "count": 1}],
    }


def test_the_client_on_the_page_gets_an_answer(server: Server) -> None:
    page = (REPOSITORY / "docs/export.md").read_text()
    (client,) = re.findall(r"^```python\n([^`]*tritonclient.*?)^```", page, re.MULTILINE | re.DOTALL)
    done = subprocess.run(
        [triton_venv(Project().root).python, "-P", "-c", client.replace(":8000", f":{server.http}")],
        env={**os.environ, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("[[")
