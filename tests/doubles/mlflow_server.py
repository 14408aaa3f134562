"""The real MLflow server, for as long as a test needs it."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONWARNINGS": "ignore"}


@contextmanager
def mlflow_server(folder: Path, database: Path | None = None) -> Iterator[str]:
    """The address of a server that answers.

    Args:
        folder: Gets its files and its log.
        database: Which it uses; its own in `folder` where it is None.
    """
    port, stored = free_port(), database or folder / "server.db"
    folder.mkdir(exist_ok=True)
    place = ["--backend-store-uri", f"sqlite:///{stored}", "--artifacts-destination", str(folder / "files")]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, *place], stdout=log, stderr=log, cwd=folder, env={**os.environ, **QUIET}, start_new_session=True
        )
        url = f"http://127.0.0.1:{port}"
        try:
            _wait_for(url, process)
            yield url
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        assert process.poll() is None
        try:
            urllib.request.urlopen(f"{url}/health", timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(url)
