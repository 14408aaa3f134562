"""How many requests a second our server answers and how fast, beside LitServe and a plain FastAPI app.

    python3 tools/benchmark/serving.py [--peers ours,fastapi] [--models digits] [--repeats 3] [--seconds 2]
    python3 tools/benchmark/serving.py --memory [--requests 100000]

Two networks of chapter 03, one of digits' shape (64-64-10) and one of MNIST's with much more to compute
(784-1024-1024-10), on one thread. Every server gets the same JSON, one example a request, and gives the same answers;
that is checked. Connections stay open, and each has one request under way. The servers are shuffled in each repeat, so
that a slow minute falls on all alike; a cell has medians over the repeats. Environments are made here with uv (on the
PATH, or what `./scratch setup` leaves in `.venv`) under `build/benchmark/`. The exit code is 1 where ours, batching,
answers fewer requests a second than a peer, or has a higher 99th percentile, both beyond `NOISE`; or where a server
failed. `--memory` sends many requests, some of them wrong, and fails where the server's memory keeps growing.
"""

import argparse
import json
import os
import random
import statistics
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

from counts import count, counts
from environments import CACHE, ROOT, install, python_of, run
from machine import describe_machine
from server_process import Server
from serving_memory import measure_memory

SERVERS = Path(__file__).resolve().parent / "servers"
NOISE = 0.05
"""What two measurements of one server may differ by on a quiet machine."""


class Peer(NamedTuple):
    """One row of the table."""

    name: str
    title: str
    package: str
    """The environment: a file of `requirements/`."""
    command: tuple[str, ...]
    """For its Python; `{outputs}` stands for where the checkpoint is, `{port}` for the port."""
    variables: tuple[tuple[str, str], ...] = ()


class Model(NamedTuple):
    """A network to be asked."""

    name: str
    title: str
    side: int
    """Of a picture, in pixels."""
    hidden: str


OURS = (
    *("-P", "-m", "cli", "serve", str(ROOT / "models/03_mlp"), "--checkpoint", "latest", "--device", "cpu"),
    *("--outputs", "{outputs}", "server.port={port}"),
)
FASTAPI, LITSERVE = (
    (str(SERVERS / f"with_{name}.py"), "--outputs", "{outputs}", "--port", "{port}", "--variant")
    for name in ("fastapi", "litserve")
)
PEERS = (
    Peer("ours", "**ours, its defaults (batching)**", "api", OURS),
    Peer("ours-single", "ours, no batching", "api", OURS, (("SCRATCH_API__BATCHING__MAX_EXAMPLES", "1"),)),
    Peer("fastapi", "plain FastAPI, `async def`", "api", (*FASTAPI, "async")),
    Peer("fastapi-threads", "plain FastAPI, `def`", "api", (*FASTAPI, "threads")),
    Peer("litserve", "LitServe, batching", "litserve", (*LITSERVE, "batching")),
    Peer("litserve-single", "LitServe, no batching", "litserve", (*LITSERVE, "single")),
)
MODELS = (Model("digits", "64-64-10", 8, "64"), Model("mnist", "784-1024-1024-10", 28, "1024,1024"))

Cells = dict[tuple[str, int], list[dict[str, Any]]]
"""Peer and number of connections to what the client measured in each repeat."""


def main() -> int:
    """Measure, print the tables, and return the exit code."""
    options = arguments()
    load = os.getloadavg()[0]
    for package in sorted({peer.package for peer in options.peers} | {"api"}):
        install(package)
    for model in options.models:
        make(model)
    if options.memory:
        return measure_memory(
            server_of(options.peers[0], options.models[0]), bodies(options.models[0]), options.requests
        )
    print(describe_machine(load), versions(), client_alone(options), sep="\n")
    print(f"Medians of {options.repeats} repeats of {options.seconds:g} s.")
    good = True
    for model in options.models:
        cells, broken = measure(model, options)
        print(f"\n{model.title}:\n\n{table(options, cells, broken)}")
        missed = shortfalls(options, cells)
        print("\n" + "\n".join(missed or ["Ours, batching, is as fast as each of the others or faster."]))
        good = good and not missed and not broken
    return 0 if good else 1


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    peers, models = {peer.name: peer for peer in PEERS}, {model.name: model for model in MODELS}
    parser.add_argument("--peers", default=",".join(peers), help="which rows (default: all)")
    parser.add_argument("--models", default=",".join(models), help="which networks (default: both)")
    parser.add_argument("--connections", type=counts, default="1,8,32,64", help="how many at a time (1,8,32,64)")
    parser.add_argument("--repeats", type=count, default=3, help="how often each server is started (default: 3)")
    parser.add_argument("--seconds", type=float, default=2, help="how long each cell is measured (default: 2)")
    parser.add_argument("--memory", action="store_true", help="watch the memory of the first row instead")
    parser.add_argument("--requests", type=count, default=100_000, help="for --memory (default: 100000)")
    options = parser.parse_args()
    for kind, known in (("peers", peers), ("models", models)):
        names = getattr(options, kind).split(",")
        if unknown := [name for name in names if name not in known]:
            parser.error(f"unknown name '{unknown[0]}' in --{kind}; known: {', '.join(known)}")
        setattr(options, kind, [known[name] for name in names])
    return options


# ---- what is served ---------------------------------------------------------------------------------------------


def outputs(model: Model) -> Path:
    """Where the checkpoint of a network is."""
    return CACHE / "serving" / f"{model.name}-{model.side}-{model.hidden}"


def make(model: Model) -> None:
    """Write the checkpoint, where it is not there yet."""
    if not list(outputs(model).glob("models/*/model_last.pt")):
        run([python_of("api"), SERVERS / "make_checkpoint.py", outputs(model), str(model.side), model.hidden], 300)


def bodies(model: Model) -> Path:
    """Requests with one picture each."""
    draw = random.Random(0)
    rows = range(model.side)
    pictures = [[[[round(draw.random(), 3) for _ in rows] for _ in rows]] for _ in range(32)]
    path = outputs(model) / "bodies.jsonl"
    path.write_text("".join(json.dumps({"input": picture}) + "\n" for picture in pictures))
    return path


def server_of(peer: Peer, model: Model) -> Server:
    """The server of a row, not yet started."""
    command = [word.replace("{outputs}", str(outputs(model))) for word in peer.command]
    return Server([python_of(peer.package), *command], {"SCRATCH_ENVIRONMENT": "ready", **dict(peer.variables)})


# ---- measurements -----------------------------------------------------------------------------------------------


def client_alone(options: argparse.Namespace) -> str:
    """What the client could measure at most, in a sentence: its rate against a server that has nothing to do."""
    with Server([sys.executable, SERVERS / "trivial.py", "--port", "{port}"], {}) as server:
        questions = bodies(options.models[-1])
        server.wait_until_it_answers(questions.read_text(encoding="utf-8").splitlines()[0])
        rates = [server.load(questions, number, "--seconds", str(options.seconds)) for number in options.connections]
    each = ", ".join(f"{row['rate']:,.0f}" for row in rates)
    return f"The client alone, against a server that always says the same: {each} requests a second."


def measure(model: Model, options: argparse.Namespace) -> tuple[Cells, dict[str, str]]:
    """All rows for one network, and why rows are missing."""
    cells: Cells = defaultdict(list)
    broken: dict[str, str] = {}
    questions = bodies(model)
    first = questions.read_text(encoding="utf-8").splitlines()[0]
    expected = None
    for repeat in range(options.repeats):
        order = [peer for peer in options.peers if peer.name not in broken]
        random.Random(repeat).shuffle(order)
        for peer in order:
            print(f"{model.name}, repeat {repeat + 1}: {peer.name}", file=sys.stderr)
            try:
                with server_of(peer, model) as server:
                    answer = server.wait_until_it_answers(first)["answer"]
                    expected = expected or answer
                    if not alike(answer, expected):
                        raise RuntimeError(f"it answers {answer}, another {expected}")
                    for number in options.connections:
                        found = server.load(questions, number, "--seconds", str(options.seconds))
                        if set(found["statuses"]) != {"200"}:
                            raise RuntimeError(f"answers by status: {found['statuses']}")
                        cells[peer.name, number].append(found)
            except RuntimeError as error:
                broken[peer.name] = str(error)
    return cells, broken


def alike(one: Any, other: Any) -> bool:
    """Whether two answers are the same but for rounding."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= 1e-5
    return bool(one == other)


# ---- results ----------------------------------------------------------------------------------------------------


def median(rows: list[dict[str, Any]], key: str) -> float:
    """Over the repeats."""
    return float(statistics.median(row[key] for row in rows))


def table(options: argparse.Namespace, cells: Cells, broken: dict[str, str]) -> str:
    """The result as a Markdown table: requests a second, median and 99th percentile, processor time of a request."""
    heads = [f"{number} connection{'s' if number > 1 else ''}" for number in options.connections]
    lines = ["| server | " + " | ".join(heads) + " |", "|---" * (1 + len(heads)) + "|"]
    for peer in options.peers:
        if peer.name in broken:
            lines.append(f"| {peer.title} | not measured: {broken[peer.name]} |" + " |" * (len(heads) - 1))
            continue
        rows = [cells[peer.name, number] for number in options.connections]
        lines.append(f"| {peer.title} | " + " | ".join(map(cell, rows)) + " |")
    return "\n".join(lines)


def cell(rows: list[dict[str, Any]]) -> str:
    """What one server did with one number of connections."""
    times = f"{median(rows, 'p50'):.1f}, {median(rows, 'p99'):.1f} ms"
    return f"{median(rows, 'rate'):,.0f}/s, {times}, {median(rows, 'cpu'):,.0f} µs"


def shortfalls(options: argparse.Namespace, cells: Cells) -> list[str]:
    """Where ours, batching, does worse than a peer."""
    found = []
    for peer in options.peers:
        for number in options.connections:
            ours, theirs = cells.get(("ours", number)), cells.get((peer.name, number))
            if not ours or not theirs or peer.name.startswith("ours"):
                continue
            where = f"{peer.title}, {number} connection{'s' if number > 1 else ''}"
            if median(ours, "rate") < median(theirs, "rate") * (1 - NOISE):
                found.append(f"- FAIL: {where}: {median(ours, 'rate'):,.0f}/s, theirs {median(theirs, 'rate'):,.0f}/s")
            if median(ours, "p99") > median(theirs, "p99") * (1 + NOISE):
                found.append(
                    f"- FAIL: {where}: p99 {median(ours, 'p99'):.1f} ms, theirs {median(theirs, 'p99'):.1f} ms"
                )
    return found


def versions() -> str:
    """Of what serves, in both environments."""
    wanted = ("fastapi", "httptools", "litserve", "torch", "uvicorn", "uvloop")
    code = "import importlib.metadata as m; print(*(f'{d.name} {d.version}' for d in m.distributions()), sep='\\n')"
    found = {line for package in ("api", "litserve") for line in run([python_of(package), "-c", code], 60).splitlines()}
    return ", ".join(sorted(line for line in found if line.split()[0] in wanted)) + "."


if __name__ == "__main__":
    sys.exit(main())
