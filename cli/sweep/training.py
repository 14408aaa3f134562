"""One trial's training: a process of the chapter's train.py, watched through the files it writes."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from engine.runs.metrics_log import parse_rows
from utils.terminal.environment import environment
from utils.terminal.processes import why_it_failed


def share_of_cores(jobs: int, settings: Iterable[str]) -> dict[str, str]:
    """Variables by which `jobs` trainings at a time take no core from each other; none where threads are settled.

    Args:
        jobs: How many.
        settings: What `train.py` is given.
    """
    settled = "OMP_NUM_THREADS" in os.environ or any(each.startswith("hardware.threads=") for each in settings)
    if settled or jobs == 1:
        return {}
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {"OMP_NUM_THREADS": str(max(1, cores // jobs))}


class Training:
    """A train.py at work.

    Args:
        script: The train.py.
        arguments: Its arguments, without `--outputs`.
        folder: Where its outputs and its log go.
        variables: On top of this process's.
    """

    def __init__(self, script: Path, arguments: Sequence[str], folder: Path, variables: Mapping[str, str]) -> None:
        self.folder = folder
        self.was_ended = False
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "output.log").open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, str(script), *arguments, "--outputs", str(folder)],
                env=environment() | dict(variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,  # Ctrl-C is for the sweep, which passes it on in good order
            )

    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def end(self) -> None:
        """Ask it to stop."""
        self.was_ended = True
        self._process.terminate()

    def kill_after(self, deadline: float) -> None:
        """Wait for its end until `deadline` (of the monotonic clock), and no longer."""
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def why(self) -> str:
        """The error that it ended with."""
        return why_it_failed(self.folder / "output.log")


class Values:
    """The values of one metric in the record under `folder`, as the record grows; those before step 1 do not count."""

    def __init__(self, folder: Path, metric: str) -> None:
        self.folder, self.metric = folder, metric
        self.known: list[float] = []
        self.metrics: set[str] = set()
        self._read = 0

    def update(self) -> list[float]:
        """Read what was added; returns the new values."""
        record = next(self.folder.glob("logs/*/metrics.jsonl"), None)
        if record is None:
            return []
        with record.open("rb") as file:
            file.seek(self._read)
            added = file.read()
        self._read += added.rfind(b"\n") + 1  # the last line may still be being written
        rows = parse_rows(added)
        self.metrics |= {name for row in rows for name in row if "/" in name}
        new = [float(row[self.metric]) for row in rows if row["step"] > 0 and self.metric in row]
        self.known += new
        return new

    def best(self, mode: str) -> float | None:
        """The best finite value so far."""
        finite = [value for value in self.known if math.isfinite(value)]
        return (max(finite) if mode == "max" else min(finite)) if finite else None


def finished(folder: Path) -> bool:
    """Whether the training that writes under `folder` came to its end."""
    for summary in folder.glob("models/*/metrics.json"):
        with suppress(OSError, ValueError):
            return bool(json.loads(summary.read_text(encoding="utf-8"))["status"] == "finished")
    return False


def end_orphans(folder: Path) -> None:
    """End the trainings under `folder` whose sweep was killed and could not do so."""
    for _ in range(100):
        orphans = _processes_of(folder)
        for pid in orphans:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        if not orphans:
            return
        time.sleep(0.1)
    for pid in _processes_of(folder):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _processes_of(folder: Path) -> list[int]:
    try:
        listed = subprocess.run(["ps", "-axww", "-o", "pid=,args="], capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:  # a container without ps: they finish on their own
        return []
    found = [line.split(None, 1) for line in listed.splitlines() if f"--outputs {folder}/" in line]
    return [int(pid) for pid, _ in found if int(pid) != os.getpid()]
