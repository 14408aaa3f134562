"""A server of predictions under too much load, when it is told to stop, and when its model changes."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.doubles.api_server import ROOT, ApiServer, api_server, connect, trained, until
from tests.doubles.scripts import COMMAND, READY, finish, start

pytestmark = pytest.mark.timeout(240)

CHAPTER = "01_perceptron"
EXAMPLE = {"input": [1.0, 1.0]}
UNFINISHED = b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(CHAPTER, "and", tmp_path_factory.mktemp("and"))


class Client(threading.Thread):
    """Asks over one connection, again and again, until it is told that the connection closes."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
        self._connection.connect()
        self.answers: list[tuple[int, dict[str, object]]] = []
        self.lost: Exception | None = None

    def run(self) -> None:
        body, headers = json.dumps(EXAMPLE), {"Content-Type": "application/json"}
        try:
            while True:
                self._connection.request("POST", "/v1/predict", body, headers)
                answer = self._connection.getresponse()
                self.answers.append((answer.status, json.loads(answer.read())))
                if answer.getheader("Connection") == "close":
                    return
        except (OSError, http.client.HTTPException) as error:
            self.lost = error
        finally:
            self._connection.close()


def clients(server: ApiServer, number: int) -> list[Client]:
    started = [Client(server.url) for _ in range(number)]
    for client in started:
        client.start()
    return started


@pytest.mark.parametrize("drain", [0, 1])
def test_a_server_that_stops_answers_all_that_it_was_asked(outputs: Path, drain: int) -> None:
    settings = ("batching.max_wait_ms=20", f"server.drain_seconds={drain}")
    with api_server(CHAPTER, "--checkpoint", "latest", "--outputs", outputs, *settings) as server:
        asking = clients(server, 12)
        until(lambda: all(len(client.answers) >= 3 for client in asking))
        server.process.send_signal(signal.SIGTERM)
        server.wait_for("stopping")
        if drain:
            ready = httpx.get(f"{server.url}/health/ready")
            assert (ready.status_code, ready.headers["Connection"]) == (503, "close")
            assert httpx.get(f"{server.url}/health/live").status_code == 200
        for client in asking:
            client.join(60)
            assert client.lost is None
            assert {status for status, _ in client.answers} == {200}
        assert server.ended() == (143, "")
        logged = sum(line.get("path") == "/v1/predict" for line in server.log)
        assert logged == sum(len(client.answers) for client in asking)


def test_a_second_signal_ends_the_server_at_once(outputs: Path) -> None:
    settings = ("server.drain_seconds=600", "server.stop_seconds=600")
    with api_server(CHAPTER, "--checkpoint", "latest", "--outputs", outputs, *settings) as server:
        server.process.send_signal(signal.SIGINT)
        server.wait_for("stopping")
        server.process.send_signal(signal.SIGINT)
        assert server.ended() == (130, "")


def test_a_second_signal_ends_the_server_at_once_though_it_is_at_work(outputs: Path) -> None:
    settings = ("server.drain_seconds=600", "server.stop_seconds=600", "limits.read_seconds=600")
    with api_server(CHAPTER, "--checkpoint", "latest", "--outputs", outputs, *settings) as server:
        with connect(server) as connection:
            connection.sendall(UNFINISHED)
            until(lambda: metric(server, "scratch_requests_in_progress") == 1)
            for event in ("stopping", None):
                server.process.send_signal(signal.SIGTERM)
                if event:
                    server.wait_for(event)
            assert server.ended() == (143, "")
        assert [line["event"] for line in server.log if line["level"] == "error"] == []


class Newcomer(threading.Thread):
    """Asks again and again, over a new connection each time, until nobody is there."""

    def __init__(self, url: str, body: str) -> None:
        super().__init__(daemon=True)
        self._url = httpx.URL(url)
        self._body = body
        self.answers: list[int] = []
        self.lost: Exception | None = None

    def run(self) -> None:
        while self.lost is None:
            connection = http.client.HTTPConnection(self._url.host, self._url.port, timeout=60)
            try:
                connection.connect()
            except ConnectionRefusedError:
                return
            try:
                headers = {"Content-Type": "application/json", "Connection": "close"}
                connection.request("POST", "/v1/predict", self._body, headers)
                self.answers.append(connection.getresponse().status)
            except (OSError, http.client.HTTPException) as error:
                self.lost = error
            finally:
                connection.close()


def test_who_connected_before_the_doors_closed_is_answered(outputs: Path) -> None:
    long = json.dumps({"input": ["x"] * 12_000})  # the event loop has much to do with it, and others wait to be met
    with api_server(CHAPTER, "--checkpoint", "latest", "--outputs", outputs) as server:
        asking = [Newcomer(server.url, body) for body in [long] * 4 + [json.dumps(EXAMPLE)] * 12]
        for client in asking:
            client.start()
        until(lambda: all(len(client.answers) >= 2 for client in asking))
        server.process.send_signal(signal.SIGTERM)
        for client in asking:
            client.join(60)
        assert [client.lost for client in asking if client.lost] == []
        assert {status for client in asking for status in client.answers} == {200, 422}
        assert server.ended() == (143, "")


def test_a_request_that_has_begun_when_the_doors_close_is_answered(outputs: Path) -> None:
    with api_server(CHAPTER, "--checkpoint", "latest", "--outputs", outputs) as server, connect(server) as connection:
        head = UNFINISHED.replace(b"Length: 9", b"Length: 2")
        connection.sendall(head[:40])
        server.client.get("/health/live")  # by now the beginning has come
        server.process.send_signal(signal.SIGTERM)
        server.wait_for("stopping")
        time.sleep(1)
        connection.sendall(head[40:] + b"{}")
        assert connection.recv(65536).startswith(b"HTTP/1.1 422 ")
        assert server.ended() == (143, "")


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def test_of_two_servers_at_one_address_the_second_says_so_in_a_line(outputs: Path) -> None:
    command = (*COMMAND, "serve", ROOT / "models" / CHAPTER, "--device", "cpu", "--checkpoint", "latest")
    address = f"server.port={free_port()}"
    both = [start(*command, "--outputs", outputs, address, env={"PYTHONPATH": str(ROOT), **READY}) for _ in range(2)]
    until(lambda: any(process.poll() is not None for process in both))
    loser, winner = sorted(both, key=lambda process: process.poll() is None)
    done = finish(loser)
    assert (done.code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "choose another with --port" in done.stderr
    assert winner.stdout is not None and '"started"' in winner.stdout.readline()
    winner.terminate()
    assert finish(winner).code == 143


def test_a_server_whose_stdout_is_closed_answers(outputs: Path) -> None:
    port = free_port()
    command = [sys.executable, *COMMAND, "serve", ROOT / "models" / CHAPTER, "--device", "cpu"]
    options = ["--checkpoint", "latest", "--outputs", outputs, f"server.port={port}"]
    process = subprocess.Popen(
        ["bash", "-c", 'exec "$@" >&-', "bash", *map(str, command + options)],
        env={**os.environ, **READY, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )

    def answers() -> bool:
        assert process.poll() is None, process.communicate()[1]
        with suppress(httpx.TransportError):
            return httpx.post(f"http://127.0.0.1:{port}/v1/predict", json=EXAMPLE).status_code == 200
        return False

    until(answers)
    process.terminate()
    assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == 143


@pytest.fixture(scope="module")
def stuck(outputs: Path) -> Iterator[ApiServer]:
    """A server whose model waits for more examples than may come."""
    settings = (
        "batching.max_wait_ms=600000",
        "batching.max_examples=100",
        "limits.waiting_examples=2",
        "limits.requests=3",
        "limits.answer_seconds=2",
        "server.stop_seconds=0.5",
        "server.keep_alive_seconds=1",
    )
    with api_server(CHAPTER, "--checkpoint", "latest", "--outputs", outputs, *settings) as server:
        yield server


def metric(server: ApiServer, name: str) -> float:
    lines = server.client.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


def test_what_is_too_much_is_told_to_come_back_and_so_is_what_takes_too_long(stuck: ApiServer) -> None:
    with ThreadPoolExecutor(4) as threads:
        waiting = [threads.submit(httpx.post, f"{stuck.url}/v1/predict", json=EXAMPLE, timeout=30) for _ in range(2)]
        until(lambda: metric(stuck, "scratch_waiting_examples") == 2)
        full = stuck.client.post("/v1/predict", json=EXAMPLE)
        answers = [full, *(each.result() for each in waiting)]
    for answer in answers:
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert answer.json()["error"]["code"] == "busy"
    assert [answer.json()["error"]["message"].split(";")[0] for answer in answers] == [
        "too many examples are waiting for the model",
        "there was no answer in time",
        "there was no answer in time",
    ]


def test_more_requests_at_once_than_allowed_are_told_to_come_back(stuck: ApiServer) -> None:
    connections = [connect(stuck) for _ in range(3)]
    for connection in connections:
        connection.sendall(UNFINISHED)
    until(lambda: metric(stuck, "scratch_requests_in_progress") == 3)
    answer = stuck.client.post("/v1/predict", json=EXAMPLE)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json()["error"]["message"].startswith("too many requests")
    for connection in connections:
        connection.close()
    until(lambda: [line.get("status") for line in stuck.log].count(499) == 3)
    assert metric(stuck, "scratch_requests_in_progress") == 0


def test_a_connection_that_says_nothing_is_closed(stuck: ApiServer) -> None:
    with connect(stuck) as connection:
        assert connection.recv(1) == b""


def test_a_server_that_can_wait_no_longer_says_so_before_it_stops(stuck: ApiServer) -> None:
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(httpx.post, f"{stuck.url}/v1/predict", json=EXAMPLE, timeout=30)
        until(lambda: metric(stuck, "scratch_requests_in_progress") == 1)
        stuck.process.send_signal(signal.SIGTERM)
        answer = waiting.result()
    assert (answer.status_code, answer.headers["Connection"]) == (503, "close")
    assert answer.json()["error"]["code"] == "busy"
    assert stuck.ended()[0] == 143


def bundle(folder: Path, checkpoint: Path) -> Path:
    folder.mkdir()
    shutil.copy(checkpoint, folder / "model.pt")
    return folder


@pytest.mark.filterwarnings("ignore")  # MLflow's own
def test_the_model_of_an_alias_changes_while_requests_are_answered(outputs: Path, tmp_path: Path) -> None:
    from deployment.registry.client import Registry
    from deployment.registry.transactions import add, move
    from engine.checkpoint.file import load_checkpoint, save_checkpoint

    (best,) = outputs.glob("models/*/model_last.pt")
    (iris,) = trained(CHAPTER, "iris-easy", tmp_path / "iris").glob("models/*/model_last.pt")
    broken, opposite = tmp_path / "broken.pt", tmp_path / "opposite.pt"
    content = load_checkpoint(best)
    save_checkpoint(opposite, {**content, "model": {name: -weights for name, weights in content["model"].items()}})
    broken.write_bytes(best.read_bytes()[:-100])
    registry = Registry(f"sqlite:///{tmp_path}/mlflow.db", create=True)
    tags = {"run_id": "and-0"}
    versions = [
        add(registry, CHAPTER, bundle(tmp_path / name, file), tags)
        for name, file in {"first": best, "second": opposite, "cut": broken, "other": iris}.items()
    ]

    def use(number: int) -> None:
        move(registry, "prod", versions[number - 1], {"at": "2026-01-02T03:04:05Z", "by": "someone"})

    def says(text: str) -> bool:
        return any(text in line.get("message", "") for line in server.log if line["event"] == "reload_failed")

    def answers_with(version: str) -> bool:
        answer: str = server.client.post("/v1/predict", json=EXAMPLE).json()["version"]
        return answer == version

    use(1)
    arguments = ("--alias", "prod", "--registry", registry.uri, "alias.poll_seconds=0.1")
    with api_server(CHAPTER, *arguments) as server:
        assert server.client.get("/v1/models").json()["models"][0]["alias"] == "prod"
        asking = clients(server, 2)
        use(2)
        until(lambda: answers_with("2"))
        use(3)
        until(lambda: says("checkpoint"))
        use(4)
        until(lambda: says("takes or gives something else"))
        assert answers_with("2")
        assert metric(server, 'scratch_reloads_total{outcome="failed"}') == 2
        use(1)
        until(lambda: answers_with("1"))
        server.process.send_signal(signal.SIGTERM)
        for client in asking:
            client.join(60)
            assert client.lost is None
            assert {status for status, _ in client.answers} == {200}
            said = {(answer["version"], json.dumps(answer["answer"])) for _, answer in client.answers}
            assert sorted(version for version, _ in said) == ["1", "2"]  # each of them always says the same
            assert len({answer for _, answer in said}) == 2  # and not what the other says
        assert server.ended()[0] == 143
    assert len([line for line in server.log if line["event"] == "reload_failed"]) == 2
