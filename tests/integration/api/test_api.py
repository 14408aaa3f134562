"""What clients may send to a server of predictions, and what they hear."""

import base64
import io
import json
import os
import re
import socket
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

from tests.doubles.api_server import ApiServer, api_server, connect, refused, rest, trained

pytestmark = pytest.mark.timeout(180)

KEY = "a-key-of-the-tests"
BODY_BYTES = 200_000
SMALL = (
    f"limits.body_bytes={BODY_BYTES}",
    "limits.examples=8",
    "limits.pixels=10000",
    "limits.url_bytes=2000",
    "limits.read_seconds=1",
    "server.header_bytes=4096",
    "server.header_seconds=1",
)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained("03_mlp", "digits", tmp_path_factory.mktemp("digits"), epochs=5)


@pytest.fixture(scope="module")
def server(outputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    keys = tmp_path_factory.mktemp("keys") / "keys"
    keys.write_text(f"an-older-key-of-the-tests\n{KEY}\n")
    arguments = ("--checkpoint", "latest", "--outputs", outputs, "--api-key-file", keys, "--", *SMALL)
    with api_server("03_mlp", *arguments) as server:
        server.client.headers["Authorization"] = f"Bearer {KEY}"
        yield server
        assert [line.get("traceback", line) for line in server.log if line["level"] == "error"] == []


def digit(number: float = 5.0) -> list[list[list[float]]]:
    return [[[number * (row % 2) for _ in range(8)] for row in range(8)]]


def picture(size: tuple[int, int] = (20, 20), form: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("L", size, 200).save(file, form)
    return file.getvalue()


def post(server: ApiServer, body: Any, query: str = "", **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return server.client.post(f"/v1/predict{query}", content=content, headers=kind)


def error_of(answer: httpx.Response) -> dict[str, str]:
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json().keys() == {"error"}
    error: dict[str, str] = answer.json()["error"]
    assert {"code", "message"} <= error.keys() <= {"code", "message", "where"}
    assert "\n" not in error["message"] and "Traceback" not in answer.text
    return error


def raw(server: ApiServer, *parts: bytes, end: bool = False) -> bytes:
    """What comes back for bytes that no client library would send."""
    with connect(server) as connection:
        for part in parts:
            connection.sendall(part)
        if end:
            connection.shutdown(socket.SHUT_WR)
        return rest(connection)


def request(target: bytes, *headers: bytes, method: bytes = b"POST", body: bytes = b"") -> bytes:
    head = [method + b" " + target + b" HTTP/1.1", b"Host: x", b"Connection: close", *headers]
    if KEY.encode() not in b"".join(headers):
        head.append(f"Authorization: Bearer {KEY}".encode())
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def test_one_example_gets_one_answer_and_several_get_theirs_in_order(server: ApiServer) -> None:
    one = post(server, {"input": digit(3)})
    assert one.status_code == 200
    assert one.json().keys() == {"model", "version", "answer"}
    several = post(server, {"inputs": [digit(9), digit(3)]})
    assert several.status_code == 200
    got, wanted = several.json()["answers"][1], one.json()["answer"]
    assert got["label"] == wanted["label"]
    assert got["probability"] == pytest.approx(wanted["probability"], abs=1e-6)


def test_a_picture_may_come_as_a_file_in_a_form_or_in_base64(server: ApiServer) -> None:
    plain = post(server, picture(), Content_Type="image/png")
    assert plain.status_code == 200
    encoded = post(server, {"input": base64.b64encode(picture()).decode()})
    form = server.client.post("/v1/predict", files=[("picture", picture()), ("picture", picture(form="JPEG"))])
    assert plain.json()["answer"] == encoded.json()["answer"]
    assert form.json()["answers"][0]["label"] == plain.json()["answer"]["label"]
    assert len(form.json()["answers"]) == 2


def test_the_query_says_how_answers_are_wanted(server: ApiServer) -> None:
    answer = post(server, {"input": digit()}, "?top=2&threshold=1.1").json()["answer"]
    assert len(answer["candidates"]) == 2
    assert answer["label"] is None


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("?top=0", "query.top"),
        ("?top=two", "query.top"),
        ("?top=1&top=2", "query.top"),
        ("?threshold=nan", "query.threshold"),
        ("?treshold=0.5", "query.treshold"),
        ("?threshold=1_0", "query.threshold"),
        ("?top=1_0", "query.top"),
        (f"?top={'9' * 1900}x", "query.top"),
    ],
)
def test_a_wrong_query_is_refused(server: ApiServer, query: str, where: str) -> None:
    answer = post(server, {"input": digit()}, query)
    assert answer.status_code == 422
    assert error_of(answer)["where"] == where


NESTED = b"[" * 60_000


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"null", 422),
        (b"[]", 422),
        (b"{}", 422),
        (b'"text"', 422),
        (b'{"input": NaN}', 400),
        (b'{"input": [[[Infinity]]]}', 400),
        (b'{"input": 1, "input": 2}', 400),
        (b'{"input": 1, "inputs": []}', 422),
        (b'{"inputs": []}', 422),
        (b'{"inputs": {}}', 422),
        (b'{"input": [[["1", true, null]]]}', 422),
        (b'{"input": "no picture"}', 422),
        (b'{"input": ""}', 422),
        (b'{"input": "iVBORw0KGgo="}', 422),
        (b'{"input": 1e999}', 422),
        (b'{"input": -1}', 422),
        (b'{"input": ' + b"9" * 5000 + b"}", 400),
        (b'{"input": ' + b"9" * 400 + b"}", 422),
        (b'{"input": "\xff\xfe"}', 400),
        ('{"input": 1}'.encode("utf-16"), 400),
        (b"\xef\xbb\xbf{}", 400),
        (NESTED, 400),
        (b'{"input": ' + NESTED + b"]" * 60_000 + b"}", 400),
        (b'{"input": "\\ud800"}', 422),
        (b'{"input": "\\u0000"}', 422),
        (json.dumps({"input": [[[1e300] * 8] * 8]}).encode(), 422),
        (json.dumps({"input": [[[1.0] * 8] * 7]}).encode(), 422),
        (json.dumps({"input": [[[1.0] * 80] * 80]}).encode(), 422),
        (json.dumps({"input": [[[1.0] * 8] * 8], "../../etc/passwd": 1}).encode(), 422),
        (json.dumps({"inputs": [[[[1.0] * 8] * 8]] * 9}).encode(), 422),
        (json.dumps({"inputs": [[[[1.0] * 8] * 8]] * 7 + [[[["x"] * 8] * 8]]}).encode(), 422),
        (json.dumps({"input": "../../../etc/passwd"}).encode(), 422),
        (json.dumps({"input": "http://localhost/x.png"}).encode(), 422),
    ],
    ids=lambda value: repr(value[:30]) if isinstance(value, bytes) else None,
)
def test_json_that_is_not_what_the_model_takes_is_refused(server: ApiServer, body: bytes, status: int) -> None:
    answer = post(server, body)
    assert answer.status_code == status
    error_of(answer)


def test_an_error_says_where(server: ApiServer) -> None:
    wrong = digit()
    wrong[0][3][5] = "dark"  # type: ignore[call-overload]
    assert error_of(post(server, {"inputs": [digit(), wrong]}))["where"] == "inputs.1.0.3.5"
    assert error_of(post(server, {"input": digit(), "top": 3}))["where"] == "top"
    assert error_of(post(server, b'{\n"input": ]}'))["where"] == "line 2, column 10"


def test_of_very_many_mistakes_only_the_number_is_said(server: ApiServer) -> None:
    body = json.dumps({str(i): 0 for i in range(20_001)}, separators=(",", ":")).encode()
    error = error_of(answer := post(server, body))
    assert (answer.status_code, error["message"]) == (422, "20002 parts of the body are not what the model takes")


def test_json_with_far_more_values_than_the_model_could_take_is_not_read(server: ApiServer) -> None:
    for value in (b"[]", b"{}", b"0"):
        body = b'{"input":[' + value + (b"," + value) * 66_000 + b"]}"
        assert error_of(answer := post(server, body))["code"] == "too_large"
        assert answer.status_code == 413
    padded = json.dumps({"inputs": [digit()] * 8}, indent=32).encode()
    assert len(padded) > 70_000
    assert post(server, padded).status_code == 200


def test_a_field_of_a_form_that_is_no_file_is_named(server: ApiServer) -> None:
    answer = server.client.post("/v1/predict", files={"picture": (None, "text")})
    assert answer.status_code == 422
    assert error_of(answer) == {
        "code": "invalid",
        "message": "only files named 'picture' are read",
        "where": "picture",
    }


def png(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG whose header says what it likes."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no picture",
        picture()[:40],
        png(100_000, 100_000),
        png(0, 0),
        png(2**31 - 1, 1),
        png(50, 50),
        picture((101, 100)),
        picture(form="GIF"),
        picture(form="TIFF"),
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"RIFF\xff\xff\xff\xffWEBPVP8 ",
        b"BM" + b"\xff" * 60,
        os.urandom(5000),
    ],
    ids=lambda value: repr(value[:12]),
)
def test_what_is_no_picture_is_refused_in_every_form(server: ApiServer, content: bytes) -> None:
    as_body = post(server, content, Content_Type="image/png")
    as_file = server.client.post("/v1/predict", files={"picture": content})
    as_text = post(server, {"input": base64.b64encode(content).decode()})
    for answer in (as_body, as_file, as_text):
        assert answer.status_code == 422
        error_of(answer)


@pytest.mark.parametrize(
    "header", ["image/gif", "text/plain", "application/octet-stream", "a;b", "\x22", "", "multipart/mixed"]
)
def test_other_content_types_are_refused(server: ApiServer, header: str) -> None:
    answer = post(server, {"input": digit()}, Content_Type=header)
    assert answer.status_code == 415
    assert "application/json" in error_of(answer)["message"]


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "x" * 500])
def test_a_compressed_body_is_refused_unread(server: ApiServer, encoding: str) -> None:
    bomb = zlib.compress(b"0" * 10_000_000)
    assert error_of(answer := post(server, bomb, Content_Encoding=encoding))["where"] == "content-encoding"
    assert answer.status_code == 415


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x",
        b"--x\r\n\r\n",
        b"--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="picture"\r\n\r\ntext\r\n--x--\r\n',
        b'--x\r\nContent-Disposition: form-data; name="other"; filename="a"\r\n\r\ntext\r\n--x--\r\n',
        b'--x\r\nContent-Disposition: form-data; filename="../../a"\r\n\r\ntext\r\n--x--\r\n',
        b"--x\r\nContent-Disposition: form-data\r\n\r\ntext\r\n--x--\r\n",
        b"--x\r\nA: b\r\n\r\ntext\r\n--x--\r\n",
        b"--x\r\n" + b"a" * 100_000,
        b'--x\r\nContent-Disposition: form-data; name="picture"; filename="\xff"\r\n\r\n\xff\r\n--x--\r\n',
        b'--x\r\nContent-Disposition: form-data; name="picture"; filename="a"\r\n\r\ntext\r\n' * 20 + b"--x--\r\n",
    ],
)
@pytest.mark.parametrize("boundary", ["x", "", "y", "x" * 300, "\xff"])
def test_a_form_that_holds_no_pictures_is_refused(server: ApiServer, body: bytes, boundary: str) -> None:
    head = request(
        b"/v1/predict",
        b"Content-Type: multipart/form-data; boundary=" + boundary.encode("latin-1"),
        b"Content-Length: %d" % len(body),
    )
    assert re.match(rb"HTTP/1.1 4\d\d ", raw(server, head + body))


@pytest.mark.parametrize("kind", ["application/json", "image/png", "multipart/form-data; boundary=x"])
@pytest.mark.parametrize(
    "charset",
    ["undefined", "punycode", "idna", "utf-7", "utf-16", "rot13", "hex", "mbcs", "\xff", "x" * 500, ""],
)
def test_another_charset_is_refused(server: ApiServer, kind: str, charset: str) -> None:
    name = b"xn--\xff.\xc3\x28..a" + b"b" * 70
    part = b'--x\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n\r\n' % (name, name)
    body = part + b"text\r\n--x--\r\n"
    head = kind.encode() + b"; charset=" + charset.encode("latin-1")
    answer = raw(server, request(b"/v1/predict", b"Content-Type: " + head, b"Content-Length: %d" % len(body)) + body)
    assert re.match(rb"HTTP/1.1 415 ", answer), answer


def test_what_the_form_parser_says_about_nonsense_is_a_line_of_the_log(server: ApiServer) -> None:
    body = b"--yX\r\n"
    head = request(b"/v1/predict", b"Content-Type: multipart/form-data; boundary=y", b"Content-Length: %d" % len(body))
    assert raw(server, head + body).startswith(b"HTTP/1.1 4")
    assert "boundary" in server.wait_for("server")["message"]


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"'])
def test_utf_8_may_be_named(server: ApiServer, charset: str) -> None:
    answer = post(server, {"input": digit()}, Content_Type=f"application/json; charset={charset}")
    assert answer.status_code == 200


def test_a_body_that_is_too_long_is_refused_whether_or_not_it_says_its_length(server: ApiServer) -> None:
    body = b"x" * (BODY_BYTES + 1)
    assert error_of(answer := post(server, body))["code"] == "too_large"
    assert answer.status_code == 413
    chunked = server.client.post(
        "/v1/predict", content=iter([body[:100_000], body[100_000:]]), headers={"Content-Type": "application/json"}
    )
    assert chunked.status_code == 413
    endless = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
    chunks = [request(b"/v1/predict", b"Content-Type: application/json", b"Transfer-Encoding: chunked"), endless * 20]
    assert b" 413 " in raw(server, *chunks, endless * 40)


def test_an_answer_under_way_is_not_lost_to_what_comes_after_it(server: ApiServer) -> None:
    body = json.dumps({"input": digit()}).encode()
    head = (b"Content-Type: application/json", b"Content-Length: %d" % len(body))
    first = request(b"/v1/predict", *head, body=body).replace(b"Connection: close\r\n", b"")
    assert raw(server, first + b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    assert raw(server, first + first + request(b"/v1/models", method=b"GET")).count(b"HTTP/1.1 200 ") == 3


def test_a_slow_body_and_slow_headers_are_given_up(server: ApiServer) -> None:
    slow = request(b"/v1/predict", b"Content-Type: application/json", b"Content-Length: 10")
    assert b" 408 " in raw(server, slow + b"{")
    assert b" 408 " in raw(server, b"GET /health/live HTTP/1.1\r\nHost")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (request(b"/\xff\xfe", method=b"GET"), 400),
        (request(b"/health/live", b"A: " + b"a" * 5000, method=b"GET"), 431),
        (request(b"/health/live", *[b"A%d: a" % i for i in range(2000)], method=b"GET"), 431),
        (request(b"/health/live?" + b"a" * 1900, method=b"GET"), 200),
        (request(b"/health/live?" + b"a" * 2100, method=b"GET"), 414),
        (request(b"/v1/predict", b"Content-Length: -1"), 400),
        (request(b"/v1/predict", b"Content-Length: 99999999999999999999999"), 400),
        (request(b"/v1/predict", b"Content-Type: application/json", b"Content-Length: 99999999999999"), 413),
        (request(b"/v1/predict", b"Content-Length: 1", b"Transfer-Encoding: chunked"), 400),
        (
            request(b"/v1/predict", b"Content-Type: application/json", b"Transfer-Encoding: chunked", body=b"zz\r\n"),
            400,
        ),
        (request(b"/../../etc/passwd", method=b"GET"), 404),
        (request(b"/docs/..%2f..%2fetc/passwd", method=b"GET"), 404),
        (request(b"/docs/%00", method=b"GET"), 404),
        (request(b"//v1//models", method=b"GET"), 404),
        (request(b"/v1/models/", method=b"GET"), 404),
        (request(b"/health/live", b"Upgrade: websocket", b"Connection: Upgrade", method=b"GET"), 200),
        (request(b"/health/live", b"X-Request-ID: \xff\xfe", method=b"GET"), 200),
    ],
    ids=lambda value: repr(value[:40]) if isinstance(value, bytes) else None,
)
def test_strange_http_gets_an_answer_that_is_no_defect(server: ApiServer, sent: bytes, status: int) -> None:
    answer = raw(server, sent, end=status == 200)
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:200]
    if status >= 400:
        assert json.loads(answer.partition(b"\r\n\r\n")[2]).keys() == {"error"}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "GET"])
def test_other_methods_are_refused_with_those_that_are_not(server: ApiServer, method: str) -> None:
    answer = server.client.request(method, "/v1/predict")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert "access-control-allow-origin" not in answer.headers
    error_of(answer)


def test_head_is_answered_like_get_without_the_body(server: ApiServer) -> None:
    answer = server.client.head("/v1/models")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 100


@pytest.mark.parametrize("given", [None, "", KEY, f"Basic {KEY}", "Bearer", f"Bearer {KEY}x", "Bearer \xff"])
def test_without_the_key_there_is_nothing_but_health_and_docs(server: ApiServer, given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given.encode("latin-1")}
    with httpx.Client(base_url=server.url, timeout=30) as client:
        for path in ("/v1/models", "/v1/predict", "/v1/nothing", "/metrics"):
            answer = client.get(path, headers=headers)
            assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
            error_of(answer)
        for path in ("/health/live", "/health/ready", "/docs", "/openapi.json"):
            assert client.get(path, headers=headers).status_code == 200


def test_each_of_several_keys_opens(server: ApiServer) -> None:
    other = server.client.get("/v1/models", headers={"Authorization": "bearer an-older-key-of-the-tests"})
    assert other.status_code == 200


def test_the_model_says_what_it_takes_gives_and_allows(server: ApiServer) -> None:
    (model,) = server.client.get("/v1/models").json()["models"]
    assert (model["name"], model["alias"], model["limits"]["examples"]) == ("03_mlp", None, 8)
    assert model["signature"]["inputs"] == [{"name": "x", "dtype": "float32", "shape": [1, 8, 8]}]
    assert model["signature"]["class_names"] == [str(number) for number in range(10)]


def test_requests_are_counted_and_logged_without_what_they_hold(server: ApiServer) -> None:
    answer = post(server, {"inputs": [digit(98765.25)] * 2}, X_Request_ID="mine-1")
    assert answer.headers["X-Request-ID"] == "mine-1"
    metrics = server.client.get("/metrics").text
    assert re.search(r'scratch_requests_total{route="/v1/predict",status="200"} [1-9]', metrics)
    assert 'scratch_model_info{chapter="03_mlp"' in metrics
    assert re.search(r"scratch_batch_examples_sum [1-9]", metrics)
    (line,) = (line for line in server.log if line.get("request_id") == "mine-1")
    assert (line["path"], line["status"], line["examples"]) == ("/v1/predict", 200, 2)
    assert not any("98765.25" in json.dumps(line) or KEY in json.dumps(line) for line in server.log)


def test_the_page_shows_all_routes_and_asks_nobody_else(server: ApiServer) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        asked: list[str] = []
        complaints: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.goto(f"{server.url}/docs")
        page.get_by_text("/v1/predict").first.click()
        page.get_by_text("Ask the model about one example or several.").first.wait_for(timeout=30_000)
        shown = page.inner_text("#page")
        browser.close()
    for path in ("/v1/predict", "/v1/models", "/health/live", "/health/ready", "/metrics"):
        assert path in shown
    assert complaints == []
    assert [url for url in asked if not url.startswith((server.url, "data:", "blob:"))] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("batching.max_exmaples=3",), "batching.max_exmaples is not a known key, did you mean 'max_examples'?"),
        (("batching.max_examples=0",), "batching.max_examples"),
        (("batching.max_examples=999999999999",), "batching.max_examples"),
        (("server.drain_seconds=1e300",), "server.drain_seconds"),
        (("limits.answer_seconds=1e300",), "limits.answer_seconds"),
        ((f"server.host={'a' * 300}.org",), "choose another with --host"),
        (("server.host=a..b",), "choose another with --host"),
        (("nothing",), "write key=value"),
        (("a.b.c=1",), "write section and key"),
        (("server.host=192.0.2.1", "server.port=1"), "choose another with --host"),
    ],
)
def test_a_wrong_setting_is_one_line_and_exit_code_2(arguments: tuple[str, ...], message: str) -> None:
    done = refused("models/03_mlp", "--checkpoint", "latest", "--device", "cpu", *arguments)
    assert done.code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
