"""What one client asks of a server of predictions leaves it there for the others."""

import io
import json
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import torch
from PIL import Image

from engine.checkpoint.file import load_checkpoint, save_checkpoint
from tests.doubles.api_server import ApiServer, api_server, connect, trained, until

pytestmark = pytest.mark.timeout(240)

PICTURES = "03_mlp"
ROWS = "01_perceptron"
ROOM = 1000


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(PICTURES, "digits", tmp_path_factory.mktemp("digits"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A server whose model has the largest weights that there are, and which has little room for bodies."""
    folder = tmp_path_factory.mktemp("and")
    (last,) = trained(ROWS, "and", folder).glob("models/*/model_last.pt")
    content = load_checkpoint(last)
    largest = {"weights": torch.full((2,), torch.finfo(torch.float32).max)}
    save_checkpoint(folder / "large.pt", {**content, "model": content["model"] | largest})
    settings = (f"limits.all_bodies_bytes={ROOM}", "limits.read_seconds=60")
    with api_server(ROWS, "--checkpoint", folder / "large.pt", *settings) as server:
        yield server
        assert [line.get("traceback", line) for line in server.log if line["level"] == "error"] == []


def test_an_answer_that_is_not_finite_is_refused(server: ApiServer) -> None:
    for body in ({"input": [1e9, 1e9]}, {"inputs": [[0.0, 0.0], [1e9, 1e9], [0.0, 0.0]]}):
        answer = server.client.post("/v1/predict", json=body)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (422, "invalid")
        assert f"example {2 if 'inputs' in body else 1}: the model's answer is not finite" in error["message"]
    assert server.client.post("/v1/predict", json={"input": [0.0, 0.0]}).status_code == 200


def test_bodies_have_room_together_and_what_is_too_much_is_told_to_come_back(server: ApiServer) -> None:
    head = b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    large = json.dumps({"input": [0.0, 0.0]}).ljust(ROOM // 2)

    def post(body: str) -> httpx.Response:
        return server.client.post("/v1/predict", content=body, headers={"Content-Type": "application/json"})

    def in_progress(number: int) -> bool:
        return f"scratch_requests_in_progress {number}.0" in server.client.get("/metrics").text

    with connect(server) as slow:
        slow.sendall(head % ROOM + b" " * (ROOM - 300))
        until(lambda: in_progress(1))
        answer = post(large)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert answer.json()["error"]["code"] == "busy"
    until(lambda: in_progress(0))
    for body, status in (("{", 400), ("[1]", 422), (" " * (ROOM + 1), 503)):
        assert {post(body).status_code for _ in range(5)} == {status}
    assert {post(large).status_code for _ in range(5)} == {200}


def picture(side: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGBA", (side, side), "grey").save(file, "PNG")
    return file.getvalue()


def test_the_pictures_of_a_request_may_have_so_many_pixels_together(digits: Path) -> None:
    with api_server(PICTURES, "--checkpoint", "latest", "--outputs", digits, "limits.pixels=10000") as server:
        for number, status in ((1, 200), (4, 200), (5, 422), (200, 422)):
            files = [("picture", picture(50))] * number
            answer = server.client.post("/v1/predict", files=files)
            assert answer.status_code == status
        assert answer.json()["error"]["message"] == (
            "the pictures of a request may have 10000 pixels in all, these have 500000"
        )


def pictures(server: ApiServer) -> httpx.Response:
    """The answer to more pictures than there is time for."""
    files = [("picture", LARGE)] * 200
    return httpx.post(f"{server.url}/v1/predict", files=files, timeout=120)


LARGE = picture(2000)
MANY_PIXELS = "limits.pixels=1000000000"


def test_pictures_that_take_too_long_are_given_up(digits: Path) -> None:
    options = ("--checkpoint", "latest", "--outputs", digits, MANY_PIXELS, "limits.answer_seconds=1")
    with api_server(PICTURES, *options) as server, ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(pictures, [server] * 2))
        assert [answer.status_code for answer in answers] == [503, 503]
        time.sleep(2)
        assert server.client.post("/v1/predict", files={"picture": picture(8)}).status_code == 200


def test_a_server_ends_in_time_whatever_is_still_computed(digits: Path) -> None:
    options = ("--checkpoint", "latest", "--outputs", digits, MANY_PIXELS, "server.stop_seconds=1")
    with api_server(PICTURES, *options) as server, ThreadPoolExecutor(2) as threads:
        asked = [threads.submit(pictures, server) for _ in range(2)]
        until(lambda: "scratch_requests_in_progress 2.0" in server.client.get("/metrics").text)
        time.sleep(1)
        server.process.send_signal(signal.SIGTERM)
        started = time.monotonic()
        assert server.ended() == (143, "")
        assert time.monotonic() - started < 6
        assert [each.result().status_code for each in asked] == [503, 503]
