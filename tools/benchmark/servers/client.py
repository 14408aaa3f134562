"""Asks a server the same questions over and over, on connections that stay open; each waits for its answer.

A process of its own: bare sockets and one poll, since what a client library does for each request takes longer than the
answers that are timed here. Standard library only.

    python client.py --port 8000 --path /v1/predict --bodies bodies.jsonl --connections 8 --seconds 2
"""

import argparse
import json
import selectors
import socket
import sys
import time
from pathlib import Path
from typing import Any

WAIT = 30.0
"""Seconds without any answer after which the server counts as stuck."""


class Connection:
    """One connection, and how far the answer on it has come."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=WAIT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.started = 0.0

    def ask(self, question: bytes) -> None:
        """Send a request."""
        self.started = time.perf_counter()
        self.socket.sendall(question)

    def receive(self) -> tuple[int, bytes] | None:
        """The status and the body of the answer, once all of it is there.

        Raises:
            ConnectionError: The server hung up.
            ValueError: The answer does not say how long it is.
        """
        part = self.socket.recv(1 << 18)
        if not part:
            raise ConnectionError("the server closed a connection")
        self.received += part
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found:
            return None
        _, named, length = head.lower().partition(b"content-length:")
        if not named:
            raise ValueError("an answer without content-length")
        if len(body) < int(length.split(b"\r\n", 1)[0]):
            return None
        self.received = b""
        return int(head[9:12]), body


def main() -> None:
    """Ask, and print what was measured as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--bodies", type=Path, required=True, help="one JSON document on each line; they take turns")
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--seconds", type=float, help="how long to ask; the first fifth is not measured")
    parser.add_argument("--requests", type=int, help="how often to ask, instead")
    options = parser.parse_args()
    if (options.seconds is None) == (options.requests is None):
        parser.error("give one of --seconds and --requests")
    questions = [
        request(options.path, body.encode()) for body in options.bodies.read_text(encoding="utf-8").splitlines()
    ]
    connections = [Connection(options.port) for _ in range(options.connections)]
    try:
        measured = ask(connections, questions, options.seconds, options.requests)
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")
    print(json.dumps(measured))


def request(path: str, body: bytes) -> bytes:
    """An HTTP request with its head."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


def ask(
    connections: list[Connection], questions: list[bytes], seconds: float | None, requests: int | None
) -> dict[str, Any]:
    """Requests per second, latencies in milliseconds, how many answers of each status, and the client's own time.

    Raises:
        OSError: The server hung up or says nothing any more.
    """
    poll = selectors.DefaultSelector()
    for connection in connections:
        poll.register(connection.socket, selectors.EVENT_READ, connection)
    started, cpu, sent = time.perf_counter(), time.process_time(), 0
    warm = started + (seconds or 0) / 5
    end = started + seconds if seconds else float("inf")
    latencies: list[float] = []
    statuses: dict[int, int] = {}
    for connection in connections:
        connection.ask(questions[sent % len(questions)])
        sent += 1
    waiting = len(connections)
    while waiting:
        ready = poll.select(WAIT)
        if not ready:
            raise TimeoutError(f"no answer in {WAIT:.0f} s")
        for key, _ in ready:
            answer = key.data.receive()
            if answer is None:
                continue
            now = time.perf_counter()
            statuses[answer[0]] = statuses.get(answer[0], 0) + 1
            if warm <= now < end:
                latencies.append(now - key.data.started)
            if now < end and (requests is None or sent < requests):
                key.data.ask(questions[sent % len(questions)])
                sent += 1
            else:
                waiting -= 1
    ended = time.perf_counter()
    ordered = sorted(latencies)
    return {
        "rate": len(ordered) / (min(ended, end) - warm),
        "p50": 1000 * quantile(ordered, 0.50),
        "p99": 1000 * quantile(ordered, 0.99),
        "answers": sum(statuses.values()),
        "statuses": statuses,
        "busy": (time.process_time() - cpu) / (ended - started),
    }


def quantile(ordered: list[float], q: float) -> float:
    """The value below which the share `q` of the values lies; of sorted values."""
    return ordered[min(int(q * len(ordered)), len(ordered) - 1)]


if __name__ == "__main__":
    main()
