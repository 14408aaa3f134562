"""Kill trainings at random instants, resume them, and compare what they come to with one that nobody killed.

    models/01_perceptron/.venv/bin/python tools/chaos/resume.py --kills 200 --seed 0

Real processes of `tools/chaos/chapter`, one experiment for each kind of run, and SIGKILL. Compared bit for bit are the
weights, averages, optimizers and generators of both checkpoints, metrics.jsonl and metrics.json, times aside. The exit
code is 1 where anything differs. Instants are drawn from the seed; what they hit depends on the machine.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.checkpoint.compare import differences, run_digests
from engine.runs.run import Folders, run_ids

CHAPTER = Path(__file__).resolve().parent / "chapter"
KINDS = sorted(path.stem for path in (CHAPTER / "config/experiment").glob("*.yaml"))
MOMENTS = ("no run yet", "no checkpoint yet", "writing a checkpoint", "writing another file", "elsewhere")
SHARE_AT_START = 0.15
"""How many of the kills come while the process is still starting; the others come while it trains."""


@dataclass
class Tally:
    """What was done to the runs of one kind, and what came of it."""

    runs: int = 0
    moments: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


def main() -> int:
    """Kill, resume, compare, print the table, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=at_least_one, required=True, help="how many processes to kill")
    parser.add_argument("--seed", type=int, required=True, help="decides the instants")
    parser.add_argument("--kind", nargs="+", choices=KINDS, default=KINDS, help="kinds of runs (default: all)")
    parser.add_argument(
        "--jobs", type=at_least_one, default=os.cpu_count(), help="runs at a time (default: one for each core)"
    )
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    kinds = arguments.kind[: arguments.kills]
    share, rest = divmod(arguments.kills, len(kinds))
    with ThreadPoolExecutor(arguments.jobs) as pool:
        tallies = pool.map(
            lambda each: torment(each[1], share + (each[0] < rest), arguments.seed, folder), enumerate(kinds)
        )
        table = dict(zip(kinds, tallies, strict=True))
    print(report(table))
    problems = [f"{kind}: {problem}" for kind, tally in table.items() for problem in tally.problems]
    if problems:
        print(*problems, f"the runs are in {folder}", sep="\n", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    return 0


def at_least_one(text: str) -> int:
    """The number that `text` is, from 1."""
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"give 1 or more, not {number}")
    return number


def torment(kind: str, kills: int, seed: int, folder: Path) -> Tally:
    """Kill runs of one kind, `kills` times in all and up to six times each, and compare each with the unbroken one."""
    dice, tally = random.Random(f"{seed}/{kind}"), Tally()
    before = time.monotonic()
    unbroken = Training(kind, folder / f"{kind}-unbroken")
    unbroken.go(None)
    training = json.loads((unbroken.folders().models / "metrics.json").read_text())["seconds"]
    starting = time.monotonic() - before - training
    expected = run_digests(unbroken.folders())
    while tally.moments.total() < kills:
        run = Training(kind, folder / f"{kind}-{tally.runs}")
        for _ in range(min(dice.randint(1, 6), kills - tally.moments.total())):
            at_start = dice.random() < SHARE_AT_START
            if run.go(Instant(at_start, dice.uniform(0, starting if at_start else training / 2))):
                break  # it was faster
            tally.moments[run.moment()] += 1
        problem = run.finish()
        different = [] if problem else differences(run_digests(run.folders()), expected)
        if problem or different:
            tally.problems.append(problem or f"{run.outputs.name} differs in {', '.join(different[:5])}")
        else:
            shutil.rmtree(run.outputs)
        tally.runs += 1
    return tally


@dataclass(frozen=True)
class Instant:
    """When to kill: `seconds` after the process began, or after it opened its run."""

    from_start: bool
    seconds: float


class Training:
    """One run, through all of its processes."""

    def __init__(self, kind: str, outputs: Path) -> None:
        self.kind, self.outputs = kind, outputs

    def folders(self) -> Folders:
        """The run's folders, those of the newest run where a first one never got as far as its config."""
        return Folders.of(self.outputs, run_ids(self.outputs)[-1])

    def go(self, instant: Instant | None) -> bool:
        """Start or resume the run in a process, and kill that at `instant`; returns whether it ended before."""
        resume = bool(run_ids(self.outputs))
        what = ("--resume", "latest") if resume else ("--experiment", self.kind)
        opened = self._opened()
        self.outputs.mkdir(exist_ok=True)
        with (self.outputs / "stderr").open("a") as stderr:
            process = subprocess.Popen(
                [sys.executable, CHAPTER / "src/train.py", *what, "--outputs", self.outputs],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )
        if instant is not None:
            while not instant.from_start and process.poll() is None and self._opened() == opened:
                time.sleep(0.001)
            try:
                process.wait(instant.seconds)
            except subprocess.TimeoutExpired:
                process.kill()
        return process.wait() != -9

    def _opened(self) -> dict[str, Any]:
        """Changes when a process opens the run: it notes that in metrics.json."""
        return {str(path): path.stat().st_mtime_ns for path in self.outputs.glob("models/*/metrics.json")}

    def moment(self) -> str:
        """What the kill has hit, by what it left."""
        if not run_ids(self.outputs):
            return "no run yet"
        names = {path.name for path in self.folders().models.iterdir()}
        if any(name.startswith(".model_") for name in names):
            return "writing a checkpoint"
        if not names & {"model_last.pt", "model_best.pt"}:
            return "no checkpoint yet"
        return "writing another file" if any(name.startswith(".metrics.") for name in names) else "elsewhere"

    def finish(self) -> str | None:
        """Resume the run to its end, unless it is there; returns what went wrong, or None."""
        if not self._is_finished():
            self.go(None)
        if self._is_finished():
            return None
        return f"{self.outputs.name} did not finish: {(self.outputs / 'stderr').read_text().splitlines()[-1:]}"

    def _is_finished(self) -> bool:
        if not run_ids(self.outputs):
            return False
        return bool(json.loads((self.folders().models / "metrics.json").read_text())["status"] == "finished")


def report(table: dict[str, Tally]) -> str:
    """The machine and the table, as Markdown."""
    lines = [
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"torch {importlib.metadata.version('torch')}, {os.cpu_count()} cores.",
        "",
        f"| kind of run | runs | kills | {' | '.join(MOMENTS)} | runs that differ |",
        "|---|" + "---|" * (len(MOMENTS) + 3),
    ]
    total = Tally()
    for kind, tally in table.items():
        lines.append(_row(f"`{kind}`", tally))
        total.runs += tally.runs
        total.moments += tally.moments
        total.problems += tally.problems
    return "\n".join([*lines, _row("all", total)])


def _row(name: str, tally: Tally) -> str:
    cells = [tally.runs, tally.moments.total(), *(tally.moments[moment] for moment in MOMENTS), len(tally.problems)]
    return f"| {name} | {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    sys.exit(main())
