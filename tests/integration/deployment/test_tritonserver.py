"""The real Triton Inference Server on an export: the same numbers as the checkpoint, over HTTP and over gRPC."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from project.chapters import Project
from project.venvs import triton_venv
from tests.doubles.scripts import call, finish, start
from tests.doubles.toy_clone import REPOSITORY
from tests.integration.deployment.test_export import CHAPTERS, export, train

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
        with log.open("w", encoding="utf-8") as file:
            self.process = start(
                *("-m", "cli", "tritonserver", folder, *ports),
                **{"stdout": file, "stderr": subprocess.STDOUT, "cwd": REPOSITORY},
            )

    def wait(self, seconds: float) -> None:
        """Until it is ready; the first time its environment is made first."""
        deadline = time.monotonic() + seconds
        while not self.is_ready():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/v2/health/ready", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def stop(self, number: signal.Signals) -> int:
        """Its exit code after a signal."""
        self.process.send_signal(number)
        return finish(self.process).code


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
    """A short run in `outputs`; its export in `repository`, with a `patient` copy of it, and for `onnxruntime`."""
    folder = tmp_path_factory.mktemp("triton-test")
    train(CHAPTER, folder / "outputs", "digits")
    for to, backend in {"repository": "python", "onnxruntime": "onnxruntime"}.items():
        form = ("--format", "triton", "--triton-backend", backend, "--to", folder / to)
        ended = export(CHAPTER, folder / "outputs", "--checkpoint", "latest", *form)
        assert ended.code == 0, ended.stderr
    patient = shutil.copytree(folder / "repository" / CHAPTER.name, folder / "repository/patient")
    config = (patient / "config.pbtxt").read_text()
    waiting = config.replace(f'name: "{CHAPTER.name}"', 'name: "patient"').replace("seconds: 2000", "seconds: 1000000")
    (patient / "config.pbtxt").write_text(waiting)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    server = Server(folder / "repository", folder / "server.log")
    try:
        server.wait(240)
        yield server
    finally:
        server.stop(signal.SIGTERM)


def in_its_environment(*arguments: object) -> str:
    """What Python prints where tritonclient is installed."""
    command = [triton_venv(Project().root).python, "-P", *map(str, arguments)]
    env = {**os.environ, "PYTHONPATH": ""}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


LENGTHS = (1, 4, 2)
"""Of the requests that are sent at once."""


@pytest.fixture(scope="module")
def answered(folder: Path, server: Server) -> dict[str, Any]:
    """What `triton_client.py` printed, and what the checkpoint says, for seven pictures."""
    pictures = range(sum(LENGTHS))
    x = [[[[(row * column + picture) % 7 / 7 for column in range(8)] for row in range(8)]] for picture in pictures]
    request = folder / "request.json"
    together = {"model": "patient", "lengths": LENGTHS}
    request.write_text(json.dumps({"model": CHAPTER.name, "output": "probabilities", "x": x, "together": together}))
    answers = in_its_environment(DOUBLES / "triton_client.py", server.http, server.grpc, request)
    asked = (DOUBLES / "checkpoint_outputs.py", CHAPTER.folder, folder / "outputs", request)
    ended = call(*asked, env={"PYTHONPATH": str(REPOSITORY)})
    assert ended.code == 0, ended.stderr
    return {**json.loads(answers), "checkpoint": json.loads(ended.stdout)}


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_triton_gives_the_numbers_of_the_checkpoint(protocol: str, answered: dict[str, Any]) -> None:
    for given, wanted in zip(answered[protocol], answered["checkpoint"], strict=True):
        assert given == pytest.approx(wanted, abs=1e-4)


def test_requests_that_come_together_go_through_the_model_at_once(answered: dict[str, Any]) -> None:
    assert 0 < answered["executions"] < len(LENGTHS)


def test_each_of_them_gets_its_own_rows(answered: dict[str, Any]) -> None:
    rows = iter(answered["checkpoint"])
    for given, length in zip(answered["together"], LENGTHS, strict=True):
        assert given == [pytest.approx(row, abs=1e-4) for row in islice(rows, length)]


def test_triton_knows_every_word_of_the_configs(folder: Path, server: Server) -> None:
    configs = [folder / backend / CHAPTER.name / "config.pbtxt" for backend in ("repository", "onnxruntime")]
    python, onnxruntime = json.loads(in_its_environment(DOUBLES / "triton_configs.py", *configs))
    assert python == {
        "name": "03_mlp",
        "backend": "python",
        "maxBatchSize": 256,
        "input": [{"name": "x", "dataType": "TYPE_FP32", "dims": ["1", "8", "8"]}],
        "output": [{"name": "probabilities", "dataType": "TYPE_FP32", "dims": ["10"]}],
        "dynamicBatching": {"maxQueueDelayMicroseconds": "2000"},
        "instanceGroup": [{"kind": "KIND_CPU", "count": 1}],
    }
    assert onnxruntime == python | {"backend": "onnxruntime"}


def test_the_client_on_the_page_gets_an_answer(server: Server) -> None:
    page = (REPOSITORY / "docs/export.md").read_text()
    (client,) = re.findall(r"^```python\n([^`]*tritonclient.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert in_its_environment("-c", client.replace(":8000", f":{server.http}")).startswith("[[")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_whole_with_the_code_of_that_signal(number: signal.Signals, folder: Path) -> None:
    former = signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    try:  # a test run under nohup hands on that SIGHUP is ignored
        server = Server(folder / "repository", folder / f"{number.name}.log")
    finally:
        signal.signal(number, former)
    server.wait(240)
    assert server.stop(number) == 128 + number
    assert not server.is_ready()
    assert "Traceback" not in server.log.read_text()
