"""What a run costs before it does any work: `train.py` beside a bare `import torch`, interleaved.

    models/01_perceptron/.venv/bin/python tools/benchmark/startup.py

The Python that runs this file runs the measured processes too, so it has to be one of a chapter's environments. The
exit code is 1 where a limit is passed. Measure on a quiet machine; the load at the start is printed with the table.
"""

import argparse
import importlib.metadata
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from counts import count
from machine import describe_machine

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = ROOT / "models/01_perceptron"
PACKAGES = ("torch", "numpy", "hydra-core", "pydantic", "wandb", "tensorboard")


class Measured(NamedTuple):
    """One row of the table."""

    name: str
    arguments: tuple[str, ...]
    """For Python."""
    limit: float | None
    """How many times the import of torch alone it may take."""


IMPORT = Measured("import torch", ("-c", "import torch"), None)
TRAIN = ("src/train.py", "--experiment", "xor")
ROWS = (
    IMPORT,
    Measured("train.py --experiment xor --no-wandb", (*TRAIN, "--no-wandb"), 1.6),
    Measured("train.py --experiment xor, wandb offline", TRAIN, 2.2),
)


def main() -> int:
    """Measure, print the table, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=count, default=11, help="how often each is started (default: 11)")
    rounds = parser.parse_args().rounds
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as scratch:
        once(Path(scratch))  # bytecode and disk cache
        seconds = [once(Path(scratch)) for _ in range(rounds)]
    medians = {row.name: statistics.median(times[row.name] for times in seconds) for row in ROWS}
    fastest = {row.name: min(times[row.name] for times in seconds) for row in ROWS}
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    print(describe_machine(load), f"{versions}. One thread.", f"Medians of {rounds} rounds.\n", sep="\n")
    print(table(medians, fastest))
    return 0 if all(holds(row, medians) for row in ROWS) else 1


def once(scratch: Path) -> dict[str, float]:
    """One round: the seconds from start to exit of every row, one after the other."""
    return {row.name: seconds_of([sys.executable, *row.arguments], scratch) for row in ROWS}


def seconds_of(command: Sequence[str], scratch: Path) -> float:
    """How long `command` takes from start to exit."""
    if "--experiment" in command:
        command = [*command, "--outputs", str(scratch / "outputs")]
    started = time.perf_counter()
    subprocess.run(command, cwd=CHAPTER, env=environment(scratch), check=True, capture_output=True)
    return time.perf_counter() - started


def environment(scratch: Path) -> dict[str, str]:
    """One thread, bytecode kept, wandb offline and with its files where they are deleted afterwards."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    wandb = {f"WANDB_{kind}_DIR": str(scratch / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
    return kept | wandb | {"OMP_NUM_THREADS": "1", "WANDB_MODE": "offline"}


def holds(row: Measured, medians: dict[str, float]) -> bool:
    """Whether `row` keeps to its limit."""
    return row.limit is None or medians[row.name] <= row.limit * medians[IMPORT.name]


def table(medians: dict[str, float], fastest: dict[str, float]) -> str:
    """The result as a Markdown table."""
    lines = ["| process | median | fastest | times the import | limit | |", "|---|---|---|---|---|---|"]
    for row in ROWS:
        ratio = medians[row.name] / medians[IMPORT.name]
        limit, verdict = (f"{row.limit:.1f}", "pass" if holds(row, medians) else "FAIL") if row.limit else ("", "")
        seconds = f"{medians[row.name]:.2f} s | {fastest[row.name]:.2f} s"
        lines.append(f"| `{row.name}` | {seconds} | {ratio:.2f} | {limit} | {verdict} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
