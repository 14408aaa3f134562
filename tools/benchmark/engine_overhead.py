"""What a step costs with our trainer, with those of others, and by hand.

    python3 tools/benchmark/engine_overhead.py [--peers ours,lightning] [--tasks i,ii] [--repeats 5] [--threads 1,2]

Four tasks: i, a 2-8-1 network, batches of 4; ii, a 64-32-10 network on digits, batches of 32; iii, a network of
LeNet's size on images of 28 x 28, batches of 64; iv, a transformer of 2 layers and width 128, batches of 8 x 64 tokens.
Each peer has an environment of its own, made here from `requirements/` with uv (on the PATH, or what `./scratch
setup` leaves in `.venv`) under `build/benchmark/`. The peers are shuffled in each repeat, so that a slow minute falls
on all alike, and a time is told as a ratio to the best loop by hand, taken in the same process. A peer that cannot be
installed or fails stands in the table with the reason, and the exit code is 1.
"""

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from counts import count, counts
from environments import CACHE, install, python_of, run
from machine import describe_machine

HERE = Path(__file__).resolve().parent

TASKS = ("i", "ii", "iii", "iv")


class Peer(NamedTuple):
    """One row of the table."""

    name: str
    title: str
    package: str
    """The environment: a file of `requirements/`."""
    module: str
    loop: str
    compiles: bool = False
    """Its first epoch is told apart, because it has the compilation in it."""


PEERS = (
    Peer("ours", "**ours, with all that is on by default**", "engine", "with_engine", "defaults"),
    Peer("ours-record", "ours, `metrics.jsonl` only", "engine", "with_engine", "record_only"),
    Peer("ours-steps", "ours, record, `trainer.compile=steps`", "engine", "with_engine", "compiled_steps", True),
    Peer("ours-model", "ours, record, `trainer.compile=model`", "engine", "with_engine", "compiled_model", True),
    Peer("ours-seeds", "ours, record, a step of eight seeds", "engine", "with_engine", "eight_seeds"),
    Peer(
        *("ours-seeds-steps", "ours, record, a step of eight seeds, `trainer.compile=steps`"),
        *("engine", "with_engine", "eight_seeds_compiled"),
        compiles=True,
    ),
    Peer("hand-memory-fused", "by hand: in memory, fused optimizer", "engine", "with_torch", "in_memory_fused"),
    Peer("hand-memory", "by hand: in memory", "engine", "with_torch", "in_memory"),
    Peer("hand-loader", "by hand: DataLoader", "engine", "with_torch", "data_loader"),
    Peer("fabric", "Fabric (logs nothing)", "lightning", "with_lightning", "fabric"),
    Peer("lightning", "Lightning, its defaults", "lightning", "with_lightning", "defaults"),
    Peer("lightning-off", "Lightning, all off", "lightning", "with_lightning", "all_off"),
    Peer("lightning-bare", "Lightning, `barebones`", "lightning", "with_lightning", "barebones"),
    Peer("accelerate", "Accelerate (logs nothing)", "accelerate", "with_accelerate", "loop"),
    Peer("ignite", "Ignite (no handlers)", "ignite", "with_ignite", "trainer"),
    Peer("transformers", "HF Trainer, its defaults, no tracker", "transformers", "with_transformers", "defaults"),
    Peer("transformers-off", "HF Trainer, all off", "transformers", "with_transformers", "all_off"),
    Peer("skorch", "skorch, its defaults", "skorch", "with_skorch", "defaults"),
    Peer("skorch-off", "skorch, all off", "skorch", "with_skorch", "all_off"),
    Peer("keras", "Keras on torch, `fit`", "keras", "with_keras", "fit"),
)

Result = dict[str, dict[str, float]]
"""Task to what `measure.py` found."""


def main() -> int:
    """Measure, print the tables, and return the exit code: 1 where a peer could not be measured."""
    options = arguments()
    load = os.getloadavg()[0]
    failures = prepare({peer.package for peer in options.peers} | {"engine"})  # ours makes the digits for all
    results: dict[tuple[int, str], list[Result]] = defaultdict(list)
    broken: dict[str, str] = {peer.name: failures[peer.package] for peer in options.peers if peer.package in failures}
    for repeat in range(options.repeats):
        for threads in options.threads:
            order = [peer for peer in options.peers if peer.name not in broken]
            random.Random(f"{repeat} {threads}").shuffle(order)
            for peer in order:
                print(f"repeat {repeat + 1}, {threads} threads: {peer.name}", file=sys.stderr)
                try:
                    results[threads, peer.name].append(measure(peer, options.tasks, threads))
                except RuntimeError as error:
                    broken[peer.name] = str(error)
    print(describe_machine(load), versions({peer.package for peer in options.peers} - failures.keys()), sep="\n")
    print(f"Medians of {options.repeats} repeats.")
    for threads in options.threads:
        found = {name: rows for (each, name), rows in results.items() if each == threads and name not in broken}
        print(f"\nThreads: {threads}\n\n{table(options.peers, options.tasks, found, broken)}")
    return 1 if broken else 0


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    by_name = {peer.name: peer for peer in PEERS}
    parser.add_argument("--peers", default=",".join(by_name), help="which rows (default: all)")
    parser.add_argument("--tasks", default=",".join(TASKS), help="which of i, ii, iii, iv (default: all)")
    parser.add_argument("--repeats", type=count, default=5, help="processes for each row (default: 5)")
    parser.add_argument("--threads", type=counts, default="1,2", help="numbers of threads (default: 1,2)")
    options = parser.parse_args()
    for kind, asked, known in (("peers", options.peers, by_name), ("tasks", options.tasks, TASKS)):
        for name in asked.split(","):
            if name not in known:
                parser.error(f"unknown name '{name}' in --{kind}; known: {', '.join(known)}")
    options.peers = [by_name[name] for name in options.peers.split(",")]
    options.tasks = options.tasks.split(",")
    return options


# ---- environments -----------------------------------------------------------------------------------------------


def prepare(packages: set[str]) -> dict[str, str]:
    """Make the environments that are not there yet; returns why for each that could not be made."""
    failures = {}
    for package in sorted(packages):
        try:
            install(package)
        except RuntimeError as error:
            failures[package] = str(error)
    if "engine" in failures:
        sys.exit(f"nothing to compare with: {failures['engine']}")
    if not (CACHE / "digits.npz").exists():
        run([python_of("engine"), "-c", DIGITS, CACHE / "digits.npz"], timeout=120)
    return failures


DIGITS = """
import sys
import numpy
from sklearn.datasets import load_digits
digits = load_digits()
inputs, targets = (digits.data / 16).astype("float32"), digits.target.astype("int64")
numpy.savez(sys.argv[1], inputs=inputs, targets=targets)
"""


# ---- measurements -----------------------------------------------------------------------------------------------


def measure(peer: Peer, tasks: Sequence[str], threads: int) -> Result:
    """One process of one peer."""
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch, "result.json")
        command = [python_of(peer.package), HERE / "overhead/measure.py", "--module", peer.module, "--loop", peer.loop]
        command += ["--tasks", ",".join(tasks), "--threads", str(threads), "--folder", CACHE, "--output", output]
        run(command, timeout=1800, threads=threads)
        result: Result = json.loads(output.read_text(encoding="utf-8"))
        return result


def table(peers: Sequence[Peer], tasks: Sequence[str], results: dict[str, list[Result]], broken: dict[str, str]) -> str:
    """Times and ratios as a Markdown table; the peak memory too where one task had a process for itself."""
    memory = ["peak memory"] if len(tasks) == 1 else []
    lines = ["| trainer | " + " | ".join([*tasks, *memory]) + " |", "|---" * (1 + len(tasks) + len(memory)) + "|"]
    for peer in peers:
        if peer.name in broken:
            empty = " |" * (len(tasks) + len(memory) - 1)
            lines.append(f"| {peer.title} | not measured: {broken[peer.name]} |{empty}")
            continue
        rows = results[peer.name]
        cells = []
        for task in tasks:
            ratio = statistics.median(row[task]["microseconds"] / row[task]["reference"] for row in rows)
            cells.append(f"{statistics.median(row[task]['microseconds'] for row in rows):,.0f} µs, {ratio:.2f}")
        if peer.compiles:
            seconds = [statistics.median(row[task]["first_epoch_seconds"] for row in rows) for task in tasks]
            cells = [f"{cell} (first epoch {second:.1f} s)" for cell, second in zip(cells, seconds, strict=True)]
        if memory:
            cells.append(f"{statistics.median(row[tasks[0]]['peak_megabytes'] for row in rows):.0f} MB")
        lines.append(f"| {peer.title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def versions(packages: set[str]) -> str:
    """Of the trainers in these environments."""
    wanted = {"torch", "lightning", "accelerate", "pytorch-ignite", "transformers", "skorch", "keras"}
    code = "import importlib.metadata as m; print(*(f'{d.name} {d.version}' for d in m.distributions()), sep='\\n')"
    installed = {line for package in packages for line in run([python_of(package), "-c", code], 60).splitlines()}
    return ", ".join(sorted(line for line in installed if line.split()[0] in wanted))


if __name__ == "__main__":
    sys.exit(main())
