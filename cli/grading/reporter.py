"""A pytest plugin that notes what passed and why the first failing test failed."""

from pathlib import Path
from typing import Any

import pytest

from cli.grading.messages import explain
from cli.grading.outcome import Failure, Outcome

PRINTED = 20  # lines shown of what the code printed


class Reporter:
    """Listens to pytest.

    Args:
        chapter: The folder whose tests run.
        running: A file that always names the test that is running.
    """

    def __init__(self, chapter: Path, running: Path) -> None:
        self._chapter = chapter
        self._running = running
        self._failure: Failure | None = None
        self._printed = ""
        self._passed: list[str] = []
        self._skipped: list[str] = []

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins."""
        self._running.write_text(self._name(nodeid), encoding="utf-8")

    def pytest_exception_interact(self, node: Any, call: pytest.CallInfo[Any], report: Any) -> None:
        """A test failed, or could not be loaded."""
        if self._failure is not None or call.excinfo is None:
            return
        error, collecting = call.excinfo.value, isinstance(report, pytest.CollectReport)
        if collecting and error.__cause__ is not None:
            error = error.__cause__  # pytest's own error has it as text only
        self._failure = explain(error, self._name(node.nodeid), self._chapter, collecting)
        self._printed = "\n".join(report.capstdout.splitlines()[-PRINTED:])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test, or its set-up, has ended."""
        if report.skipped and isinstance(report.longrepr, tuple):
            self._skipped.append(report.longrepr[2].removeprefix("Skipped: "))
        elif report.passed and report.when == "call":
            self._passed.append(self._name(report.nodeid))

    def outcome(self) -> Outcome:
        """What was noted."""
        return Outcome(self._failure, tuple(self._passed), tuple(self._skipped), self._printed)

    def _name(self, nodeid: str) -> str:
        return nodeid.removeprefix(f"models/{self._chapter.name}/")
