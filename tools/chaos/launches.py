"""Launch trainings by several processes, again and again, and count how they end.

    models/01_perceptron/.venv/bin/python tools/chaos/launches.py --launches 60 --ranks 2

Real launches by torchrun of `tools/chaos/chapter`, with ddp and fsdp in turn. A launch has gone well if torchrun ended
with 0, which it does if every rank did, and the run is noted as finished. The exit code is 1 where one has not.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CHAPTER = Path(__file__).resolve().parent / "chapter"
STRATEGIES = ("ddp", "fsdp")


def main() -> int:
    """Launch, count, print the table, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--launches", type=int, required=True, help="how many in all")
    parser.add_argument("--ranks", type=int, required=True, help="processes in each")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="launches-"))
    well, problems = dict.fromkeys(STRATEGIES, 0), []
    for number in range(arguments.launches):
        strategy = STRATEGIES[number % len(STRATEGIES)]
        problem = launch(strategy, arguments.ranks, folder / str(number))
        if problem is None:
            well[strategy] += 1
            shutil.rmtree(folder / str(number))
        else:
            problems.append(f"launch {number}, {strategy}: {problem}")
    print(report(well, arguments.launches, arguments.ranks))
    if problems:
        print(*problems, f"the runs are in {folder}", sep="\n", file=sys.stderr)
        return 1
    folder.rmdir()
    return 0


def launch(strategy: str, ranks: int, outputs: Path) -> str | None:
    """One training; returns what was wrong with its end, or None."""
    outputs.mkdir()
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks))
    settings = (f"hardware={strategy}", "trainer.duration=1 epoch", "--outputs", str(outputs))
    with (outputs / "stderr").open("w") as stderr:
        ended = subprocess.run(
            [*torchrun, str(CHAPTER / "src/train.py"), "--experiment", "adam", *settings],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            check=False,
        )
    if ended.returncode != 0:
        return f"torchrun ended with {ended.returncode}"
    notes = [json.loads(path.read_text(encoding="utf-8"))["status"] for path in outputs.glob("models/*/metrics.json")]
    return None if notes == ["finished"] else f"the runs are {notes}"


def report(well: dict[str, int], launches: int, ranks: int) -> str:
    """The machine and the table, as Markdown."""
    lines = [
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"torch {importlib.metadata.version('torch')}, {os.cpu_count()} cores, {ranks} ranks.",
        "",
        "| strategy | launches | ended with 0 |",
        "|---|---|---|",
    ]
    for number, (strategy, count) in enumerate(well.items()):
        lines.append(f"| `{strategy}` | {len(range(number, launches, len(STRATEGIES)))} | {count} |")
    return "\n".join([*lines, f"| all | {launches} | {sum(well.values())} |"])


if __name__ == "__main__":
    sys.exit(main())
