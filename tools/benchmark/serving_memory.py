"""Whether a server's memory stays flat over many requests, good ones and bad ones."""

import json
import statistics
from pathlib import Path

from server_process import Server

CONNECTIONS = 16
SAMPLES = 40
WARM_UP = SAMPLES // 4
"""Samples that do not count: caches and thread stacks fill up."""
LIMIT = 4.0
"""Megabytes that may be added over all requests."""


def measure_memory(server: Server, bodies: Path, requests: int) -> int:
    """Send `requests`, print what the memory did, and return the exit code: 1 where it grows.

    Args:
        server: Not yet started.
        bodies: Good requests.
        requests: How many in all; each fortieth of them comes on new connections.
    """
    mixed = mix(bodies)
    with server:
        server.wait_until_it_answers(bodies.read_text(encoding="utf-8").splitlines()[0])
        samples, statuses = [], dict[str, int]()
        for _ in range(SAMPLES):
            found = server.load(mixed, CONNECTIONS, "--requests", str(requests // SAMPLES))
            samples.append(server.resident_megabytes())
            for status, count in found["statuses"].items():
                statuses[status] = statuses.get(status, 0) + count
    said = ", ".join(f"{count:,} with {status}" for status, count in sorted(statuses.items()))
    grown = growth(samples[WARM_UP:]) * SAMPLES / (SAMPLES - WARM_UP)
    print(f"{requests:,} requests on {CONNECTIONS} connections, answered {said}.")
    print(f"Memory: {samples[0]:.1f} MB first, {samples[-1]:.1f} MB last, {max(samples):.1f} MB at most;", end=" ")
    print(f"after the warm-up the slope is {grown:+.2f} MB over {requests:,} requests (limit {LIMIT:g}).")
    good = grown <= LIMIT and not any(status.startswith("5") for status in statuses)
    print("pass" if good else "FAIL")
    return 0 if good else 1


def growth(samples: list[float]) -> float:
    """From the first to the last of evenly spaced samples, along the line of least squares through them."""
    slope, _ = statistics.linear_regression(range(len(samples)), samples)
    return slope * len(samples)


def mix(bodies: Path) -> Path:
    """Twenty requests: most with one example, one with eight, one of another shape, one that is no JSON."""
    good = bodies.read_text(encoding="utf-8").splitlines()
    several = json.dumps({"inputs": [json.loads(line)["input"] for line in good[:8]]})
    wrong = json.dumps({"input": [[1.0, 2.0]]})
    path = bodies.with_name("mixed.jsonl")
    path.write_text("\n".join([*good[:17], several, wrong, '{"input": [']) + "\n")
    return path
