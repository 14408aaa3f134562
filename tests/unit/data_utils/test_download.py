import errno
import hashlib
import io
import os
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from data_utils.cards import DatasetFile, get_card
from data_utils.download import fetch, verify
from utils.errors import RunError

CONTENT = bytes(range(256)) * 1000
NAME = "numbers.bin"
MIRROR = "SCRATCH_DATA_MIRROR"


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    """Where the file is expected; no mirror, no proxy."""
    monkeypatch.setenv("SCRATCH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv(MIRROR, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "data" / "raw" / "tiny"


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    folder = tmp_path / "mirror"
    (folder / "tiny").mkdir(parents=True)
    (folder / "tiny" / NAME).write_bytes(CONTENT)
    monkeypatch.setenv(MIRROR, str(folder))
    return folder / "tiny"


@pytest.fixture
def server():
    """An HTTP server; `answers` maps a path to a body, `lengths` to a Content-Length that is not the body's."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = self.server.answers.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Length", str(self.server.lengths.get(self.path, len(body or b""))))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.answers, http.lengths = {}, {}
        http.url = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield http
        http.shutdown()
        thread.join()


@pytest.fixture
def nowhere():
    """A URL at which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"


def card(*urls):
    file = DatasetFile(name=NAME, sha256=hashlib.sha256(CONTENT).hexdigest(), size=len(CONTENT))
    return get_card("mnist").model_copy(update={"name": "tiny", "files": (file,), "urls": urls})


def one_line(error) -> str:
    message = str(error.value)
    assert "\n" not in message
    return message


def files_in(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_the_mirror_folder_comes_first(data, mirror, nowhere):
    assert fetch(card(nowhere)) == {NAME: data / NAME}
    assert (data / NAME).read_bytes() == CONTENT
    assert files_in(data) == [NAME]


def test_the_mirror_may_be_a_url(data, server, monkeypatch):
    monkeypatch.setenv(MIRROR, server.url + "/")
    server.answers[f"/tiny/{NAME}"] = CONTENT
    fetch(card())
    assert (data / NAME).read_bytes() == CONTENT


def test_the_urls_are_tried_in_order(data, server, nowhere):
    server.answers[f"/second/{NAME}"] = CONTENT
    fetch(card(nowhere, f"{server.url}/first/", f"{server.url}/second/"))
    assert (data / NAME).read_bytes() == CONTENT


def test_a_file_that_is_not_in_the_mirror_comes_from_the_urls(data, mirror, server):
    (mirror / NAME).unlink()
    server.answers[f"/{NAME}"] = CONTENT
    fetch(card(server.url + "/"))
    assert (data / NAME).read_bytes() == CONTENT


def test_what_is_on_disk_is_not_fetched_again(data, nowhere):
    data.mkdir(parents=True)
    (data / NAME).write_bytes(CONTENT)
    assert fetch(card(nowhere)) == {NAME: data / NAME}
    verify(card(nowhere))


def test_a_data_set_without_files_needs_none():
    assert fetch(get_card("xor")) == {}
    verify(get_card("xor"))


def test_no_network_and_no_mirror_names_the_file_the_urls_and_the_variable(data, nowhere):
    with pytest.raises(RunError) as error:
        fetch(card(nowhere))
    message = one_line(error)
    assert f"tiny/{NAME}" in message and f"{nowhere}{NAME} (no connection)" in message and MIRROR in message
    assert files_in(data) == []


def test_a_mirror_without_the_file_is_named(mirror, nowhere):
    (mirror / NAME).unlink()
    with pytest.raises(RunError) as error:
        fetch(card(nowhere))
    assert f"{mirror / NAME} (no such file or directory)" in one_line(error)


def test_a_url_without_the_file_is_named_with_its_status(server):
    with pytest.raises(RunError) as error:
        fetch(card(server.url + "/"))
    assert "(404 Client Error" in one_line(error)


def test_a_connection_that_breaks_off_leaves_nothing(data, server):
    server.answers[f"/{NAME}"] = CONTENT[:1000]
    server.lengths[f"/{NAME}"] = len(CONTENT)
    with pytest.raises(RunError) as error:
        fetch(card(server.url + "/"))
    assert "no connection" in one_line(error)
    assert files_in(data) == []


WRONG = {
    "cut short": (CONTENT[:-1], f"{len(CONTENT) - 1} bytes, expected {len(CONTENT)}"),
    "too long": (CONTENT + b"x", f"expected {len(CONTENT)}"),
    "altered": (b"x" + CONTENT[1:], hashlib.sha256(CONTENT).hexdigest()),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_file_in_the_mirror_is_refused(data, mirror, server, fault):
    content, expected = WRONG[fault]
    (mirror / NAME).write_bytes(content)
    server.answers[f"/{NAME}"] = CONTENT  # a right one elsewhere does not hide it
    with pytest.raises(RunError) as error:
        fetch(card(server.url + "/"))
    message = one_line(error)
    assert str(mirror / NAME) in message and fault in message and expected in message and MIRROR in message
    assert files_in(data) == []


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_file_from_the_network_is_refused(data, server, fault):
    content, expected = WRONG[fault]
    server.answers[f"/{NAME}"] = content
    with pytest.raises(RunError) as error:
        fetch(card(server.url + "/"))
    message = one_line(error)
    assert f"{server.url}/{NAME}" in message and fault in message and expected in message
    assert files_in(data) == []


@pytest.mark.parametrize("look", [fetch, verify])
@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_file_on_disk_is_refused_and_left_alone(data, mirror, fault, look):
    content, expected = WRONG[fault]
    data.mkdir(parents=True)
    (data / NAME).write_bytes(content)
    with pytest.raises(RunError) as error:
        look(card())
    message = one_line(error)
    assert str(data / NAME) in message and fault in message and expected in message
    assert "delete it and run `scratch data get tiny`" in message
    assert (data / NAME).read_bytes() == content


def test_a_folder_in_place_of_the_file_is_refused(data):
    (data / NAME).mkdir(parents=True)
    with pytest.raises(RunError, match="cannot read"):
        fetch(card())


def test_verify_fetches_nothing(data, mirror):
    with pytest.raises(RunError, match="is not there; run `scratch data get tiny`"):
        verify(card())
    assert files_in(data) == []


def test_a_data_folder_that_cannot_be_made_is_named(mirror, tmp_path, monkeypatch):
    (tmp_path / "occupied").write_text("a file")
    monkeypatch.setenv("SCRATCH_DATA_DIR", str(tmp_path / "occupied"))
    with pytest.raises(RunError, match=r"cannot write .*occupied"):
        fetch(card())


def test_a_full_disk_leaves_nothing(data, mirror, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="No space left on device"):
        fetch(card())
    assert files_in(data) == []


class Terminal(io.StringIO):
    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_shown_on_a_terminal_and_nowhere_else(server, monkeypatch, terminal):
    server.answers[f"/{NAME}"] = CONTENT
    monkeypatch.setattr(sys, "stderr", Terminal(terminal))
    fetch(card(server.url + "/"))
    assert ("100%" in sys.stderr.getvalue()) is terminal
