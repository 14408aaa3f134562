"""The table of docs/parity.md: which independent computations the chapters' tests compare with, and how closely."""

import json
import math
import re
import tempfile
from pathlib import Path
from typing import NamedTuple

from utils.errors import RunError
from utils.terminal.processes import ONE_THREAD, Children

DOCUMENT = "docs/parity.md"
START, END = "<!-- parity -->", "<!-- end parity -->"
RECORD = "SCRATCH_AGREEMENTS"  # names a file, to which `agree` of tests/support adds a line for each comparison
HEADER = ("chapter", "what", "compared with", "cases", "tolerance", "largest difference, at most")


class Row(NamedTuple):
    """One thing that a chapter computes, and what it is compared with."""

    chapter: str
    what: str
    against: str
    cases: int
    tolerance: float
    difference: float
    """The largest over the cases."""

    def cells(self) -> tuple[str, ...]:
        """As in the table. The difference is rounded up to a power of ten: its digits are those of a machine."""
        return (*self[:3], str(self.cases), f"{self.tolerance:g}", _power_of_ten(self.difference))


def measure(chapter: Path, python: Path, root: Path, children: Children) -> list[Row]:
    """Run the tests of a chapter that compare with something, and read what they recorded.

    Raises:
        RunError: One of them fails.
    """
    files = [
        str(path) for path in sorted((chapter / "tests").glob("test_*.py")) if "against=" in path.read_text("utf-8")
    ]
    if not files:
        return []
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as output:
        record = Path(folder) / "agreements.jsonl"
        command = [
            str(python),
            "-P",
            "-m",
            "pytest",
            "-q",
            "-x",
            "-p",
            "no:cacheprovider",
            "--hypothesis-seed=0",
            *files,
        ]
        code = children.run(command, root, output, {**ONE_THREAD, RECORD: str(record)})
        output.seek(0)
        if code != 0:
            said = output.read().decode(errors="replace").strip().splitlines()
            raise RunError(f"{chapter.name} does not agree: {' '.join(said[-3:])}")
        lines = record.read_text("utf-8").splitlines() if record.exists() else []
    return _rows(chapter.name, lines)


def _rows(chapter: str, lines: list[str]) -> list[Row]:
    rows: dict[tuple[str, str], Row] = {}
    for found in map(json.loads, lines):
        key = found["what"], found["against"]
        before = rows.get(key, Row(chapter, *key, cases=0, tolerance=0.0, difference=0.0))
        tolerance, difference = max(before.tolerance, found["tolerance"]), max(before.difference, found["difference"])
        rows[key] = Row(chapter, *key, before.cases + 1, tolerance, difference)
    return sorted(rows.values())


def table(rows: list[Row]) -> str:
    """The rows in Markdown."""
    lines = [HEADER, ["---"] * len(HEADER), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def changes(committed: str, rows: list[Row]) -> list[str]:
    """Rows that the committed table lacks, or has too many; not counting the last column, in which machines differ."""
    there = {tuple(cell.strip() for cell in line.strip("| ").split(" | "))[:-1] for line in _table_in(committed)}
    wanted = {row.cells()[:-1] for row in rows}
    missing = [f"not in the table: {', '.join(cells)}" for cells in sorted(wanted - there)]
    return missing + [f"no longer measured: {', '.join(cells)}" for cells in sorted(there - wanted)]


def with_table(document: str, rows: list[Row]) -> str:
    """`document` with its table written anew.

    Raises:
        RunError: It has no markers.
    """
    start, end = document.find(START), document.find(END)
    if not 0 <= start < end:
        raise RunError(f"{DOCUMENT} has no lines '{START}' and '{END}' for the table to stand between")
    return f"{document[: start + len(START)]}\n\n{table(rows)}\n\n{document[end:]}"


def _table_in(document: str) -> list[str]:
    found = re.search(f"{START}(.*){END}", document, re.DOTALL)
    lines = [line for line in found[1].splitlines() if line.startswith("|")] if found else []
    return lines[2:]


def _power_of_ten(difference: float) -> str:
    return "0" if difference == 0 else f"{10.0 ** math.ceil(math.log10(difference)):g}"
