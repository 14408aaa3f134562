"""What happens on a connection to a server of predictions, whatever a client does with it."""

import json
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.doubles.api_server import ApiServer, api_server, connect, rest, trained

pytestmark = pytest.mark.timeout(180)

KEY = "a-key-of-the-tests"
SETTINGS = (
    "server.keep_alive_seconds=2",
    "server.connections=20",
    "server.write_seconds=1",
    "limits.requests=2",
    "limits.read_seconds=20",
)
BODY = json.dumps({"input": [1.0, 1.0]}).encode()
H2C = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__")
WEBSOCKET = (b"Upgrade: websocket", b"Connection: keep-alive, Upgrade", b"Sec-WebSocket-Version: 13")
LIVE = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = LIVE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    outputs = trained("01_perceptron", "and", tmp_path_factory.mktemp("and"))
    arguments = ("--checkpoint", "latest", "--outputs", outputs, *SETTINGS)
    with api_server("01_perceptron", *arguments, env={"SCRATCH_API_KEY": KEY}) as server:
        server.client.headers["Authorization"] = f"Bearer {KEY}"
        yield server
        assert [line for line in server.log if line["level"] == "error"] == []


def ask(*headers: bytes, body: bytes = BODY, chunked: bool = False, host: bool = True) -> bytes:
    """A request for a prediction."""
    length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
    head = [b"POST /v1/predict HTTP/1.1", *([b"Host: x"] if host else []), b"Content-Type: application/json", length]
    sent = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunked else body
    return b"\r\n".join([*head, f"Authorization: Bearer {KEY}".encode(), *headers, b"", sent])


def exchange(server: ApiServer, *parts: bytes, end: bool = False) -> bytes:
    """What comes back for `parts`, sent one after the other."""
    with connect(server) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(0.05 if len(parts) > 1 else 0)
        if end:
            connection.shutdown(socket.SHUT_WR)
        return rest(connection)


def statuses(answer: bytes) -> list[int]:
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def test_idle_connections_keep_nobody_out_and_the_log_has_a_line_about_them(server: ApiServer) -> None:
    started, idle = time.monotonic(), [connect(server) for _ in range(60)]
    try:
        assert statuses(exchange(server, LAST)) == [200]
        assert time.monotonic() - started < 2  # sooner than their time is over
        assert server.wait_for("connections_full")["most"] == 20
    finally:
        for connection in idle:
            connection.close()


def test_reloads_are_counted_from_the_start(server: ApiServer) -> None:
    assert 'scratch_reloads_total{outcome="failed"} 0.0' in server.client.get("/metrics").text


@pytest.mark.parametrize("other", [H2C, WEBSOCKET], ids=["h2c", "websocket"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_client_that_asks_for_another_protocol_is_answered_in_this_one(
    server: ApiServer, other: tuple[bytes, ...], chunked: bool
) -> None:
    asked = ask(*other, chunked=chunked)
    for parts in ([asked + LAST], [asked, LAST], [asked[:60], asked[60:-5], asked[-5:] + LAST]):
        assert statuses(answer := exchange(server, *parts)) == [200, 200]
        assert b'"answer"' in answer
    assert statuses(exchange(server, ask(*other, b"Connection: close", chunked=chunked))) == [200]


def test_a_body_is_never_read_as_a_request_of_its_own(server: ApiServer) -> None:
    for other in (H2C, WEBSOCKET, ()):
        for chunked in (False, True):
            hidden = exchange(server, ask(*other, body=LIVE, chunked=chunked) + LAST)
            assert statuses(hidden) == [400, 200]
    connecting = b"CONNECT /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(LIVE)
    assert statuses(exchange(server, connecting + LIVE)) == [400]


def test_any_number_of_questions_for_another_protocol_are_answered_in_order(server: ApiServer) -> None:
    assert statuses(exchange(server, ask(*H2C) * 1500 + LAST)) == [200] * 1501


def test_a_request_names_its_host_once(server: ApiServer) -> None:
    for wrong in (ask(host=False), ask(b"Host: y"), LIVE.replace(b"Host: x\r\n", b"")):
        answer = exchange(server, wrong)
        assert statuses(answer) == [400]
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "malformed"
    assert statuses(exchange(server, b"GET /health/live HTTP/1.0\r\n\r\n")) == [200]


@pytest.mark.parametrize("number", [1, 3])
def test_a_client_that_sends_no_more_is_answered(server: ApiServer, number: int) -> None:
    for _ in range(20):
        assert statuses(exchange(server, ask() * number, end=True)) == [200] * number


def test_a_client_that_stops_in_the_middle_of_a_request_is_let_go(server: ApiServer) -> None:
    for half in (ask()[:-3], LIVE[:-3]):
        assert exchange(server, half, end=True) == b""


@pytest.mark.parametrize(("first", "more"), [(LIVE, b"\r\n"), (b"GET /nothing" + LIVE[16:-2] + b"Content-", b"x")])
def test_what_is_no_request_does_not_keep_a_connection(server: ApiServer, first: bytes, more: bytes) -> None:
    if more == b"x":
        first += b"Length: 1000\r\n\r\n"
    started = time.monotonic()
    with connect(server) as connection:
        connection.sendall(first)
        try:
            while time.monotonic() - started < 10:
                connection.sendall(more)
                time.sleep(0.2)
        except OSError:
            pass
    assert 1.5 < time.monotonic() - started < 8


def test_a_request_may_take_longer_than_a_connection_may_be_silent(server: ApiServer) -> None:
    with connect(server) as connection:
        connection.sendall(LIVE + ask()[:-5])
        time.sleep(3)
        connection.sendall(ask()[-5:] + LAST)
        assert statuses(rest(connection)) == [200, 200, 200]


def test_clients_without_a_key_who_do_not_read_lock_nobody_out_and_are_cut_off(server: ApiServer) -> None:
    large = LIVE.replace(b"/health/live", b"/docs/swagger-ui-bundle.js")
    held = [connect(server) for _ in range(6)]
    for connection in held:
        connection.sendall(large * 12)
    time.sleep(1)
    for _ in range(10):
        assert server.client.get("/v1/models").status_code == 200
        time.sleep(0.3)
    for connection in held:
        assert len(rest(connection)) < 12_000_000
        connection.close()


def test_who_may_not_come_in_does_not_count(server: ApiServer) -> None:
    with httpx.Client(base_url=server.url) as stranger:
        assert stranger.get("/v1/models").status_code == 401
    metrics = server.client.get("/metrics").text
    assert "scratch_requests_in_progress 0.0" in metrics
