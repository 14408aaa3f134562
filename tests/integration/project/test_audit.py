"""The real pip-audit, asked about packages: a service on this machine answers, or fails, or is not there."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from cli.governance.audit import audit
from cli.governance.lock import Advisory, Package
from tests.doubles.tool_environment import ROOT, tool_environment

PACKAGES = [
    Package(name=name, version=version, declared="MIT", needed_by=(), environments=("root",))
    for name, version in (("click", "8.1.0"), ("click", "8.5.1"), ("torch", "2.13.0"))
]
ADVISORY = {
    "id": "GHSA-1",
    "summary": "an example",
    "published": "2026-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"name": "click", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "8.4"}]}],
        }
    ],
}


class Service(HTTPServer):
    """Answers as osv.dev does: click before 8.4 has a vulnerability."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.status = 200
        self.asked: list[str] = []


class Answer(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        question: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        pin = f"{question['package']['name']}=={question['version']}"
        self.server.asked.append(pin)
        body = json.dumps({"vulns": [ADVISORY]} if pin == "click==8.1.0" else {}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keeps what is asked out of the tests' output."""


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with Service() as there:
        thread = threading.Thread(target=there.serve_forever)
        thread.start()
        monkeypatch.setenv("PIP_AUDIT_VULNERABILITY_SERVICE", "osv")
        monkeypatch.setenv("PIP_AUDIT_OSV_URL", f"http://127.0.0.1:{there.server_port}/v1/query")
        yield there
        there.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def python() -> Path:
    return tool_environment("audit", ROOT / "cli/requirements-audit.txt") / "python"


def test_a_service_that_answers_is_asked_about_every_version_and_believed(service: Service, python: Path) -> None:
    found = audit(python, PACKAGES)
    assert found.asked == ("click==8.1.0", "click==8.5.1", "torch==2.13.0") == tuple(sorted(service.asked))
    assert found.advisories == (Advisory(package="click", version="8.1.0", id="GHSA-1", fixed_in=("8.4",)),)
    assert found.reason == ""


def test_a_service_that_fails_is_no_answer(service: Service, python: Path) -> None:
    service.status = 500
    found = audit(python, PACKAGES)
    assert (found.asked, found.advisories) == ((), ())
    assert found.reason
    assert service.asked == ["click==8.1.0"], "the first that gets no answer ends the asking"
