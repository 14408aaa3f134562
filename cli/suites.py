"""Test suites: pytest run in the right environment, and its report read."""

import re
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from utils.terminal.processes import Children

NO_TESTS_COLLECTED = 5  # pytest's exit code


@dataclass
class Suite:
    """The tests of a folder, or of some files in it, before, while and after they run."""

    name: str
    paths: Sequence[Path]
    python: Path
    passed: int = 0
    failed: int = 0
    skipped: list[str] = field(default_factory=list)
    """`test: reason` for each."""
    seconds: float = 0.0
    times: list[tuple[float, str]] = field(default_factory=list)
    """Seconds of each test, and its name."""
    log: Path | None = None

    def run(self, children: Children, root: Path, options: Sequence[str], scratch: Path) -> None:
        """Run the tests and count them.

        Args:
            children: Runs pytest.
            root: The repository's folder; its pyproject.toml configures pytest.
            options: Further arguments for pytest. With any, a suite may end up with no test to run.
            scratch: A folder for the log and the report.
        """
        self.log, report = scratch / f"{self.name}.log", scratch / f"{self.name}.xml"
        command = [str(self.python), "-P", "-m", "pytest", "-q", "--override-ini=console_output_style=count"]
        started = time.monotonic()
        with self.log.open("wb") as output:
            code = children.run(
                [*command, f"--junitxml={report}", *options, *map(str, self.paths)],
                cwd=root,
                output=output,
                env={"OMP_NUM_THREADS": "1"},  # on a busy machine more threads are slower, and change last digits
            )
        self.seconds = time.monotonic() - started
        if report.exists():
            self.read(report)
        expected_to_be_empty = code == NO_TESTS_COLLECTED and bool(options)
        if code != 0 and not self.failed and not expected_to_be_empty:
            self.failed = 1  # pytest itself went wrong, or there is no test where there should be some

    def parts(self, number: int) -> "list[Suite]":
        """The same tests in several suites, file by file, so that they can run beside each other."""
        files = sorted(file for path in self.paths for file in path.rglob("test_*.py"))
        shares = [share for share in (files[start::number] for start in range(number)) if share]
        if len(shares) < 2:
            return [self]
        return [Suite(f"{self.name}-{i}", share, self.python) for i, share in enumerate(shares, 1)]

    def read(self, report: Path) -> None:
        """Count what pytest's JUnit report says."""
        for case in ElementTree.parse(report).iter("testcase"):
            self.times.append((float(case.get("time", 0)), f"{case.get('classname')}::{case.get('name')}"))
            skip = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None:
                self.failed += 1
            elif skip is not None:
                self.skipped.append(f"{case.get('name')}: {skip.get('message')}")
            else:
                self.passed += 1

    def progress(self) -> str:
        """How far it is, from the counts that pytest prints: `01_perceptron 12/40`."""
        counts = re.findall(r"\[ *(\d+/\d+)\]", self.output())
        return f"{self.name} {counts[-1] if counts else '...'}"

    def output(self) -> str:
        """What pytest has printed so far."""
        return self.log.read_text(errors="replace") if self.log and self.log.exists() else ""
