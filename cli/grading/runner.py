"""A chapter's tests, run on changed copies of it: each in a process of its own, forked from one that has torch loaded.

Runs in the chapter's environment, with one thread. A fork costs milliseconds where a new process costs seconds.
"""

import ast
import contextlib
import gc
import importlib
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

from cli.grading.outcome import Outcome
from cli.grading.worker import PLUGINS, Child, Trial
from utils.terminal.processes import interruptible

NEVER_WAITED = 30.0  # seconds beyond the limit, for a child that does not even obey that


class Trials:
    """Runs trials of one chapter.

    Args:
        chapter: The chapter's folder; its tests and everything else that a trial does not change are taken from here.
        limit: Seconds that a trial may take.
    """

    def __init__(self, chapter: Path, limit: float) -> None:
        self.chapter = chapter
        self.limit = limit
        self._conftest = _preloaded(chapter)
        self._children: dict[int, Child] = {}

    def run(self, trial: Trial) -> Outcome:
        """Run one trial."""
        ((_, outcome),) = self.run_all([trial], jobs=1)
        return outcome

    def run_all(self, trials: Iterable[Trial], jobs: int) -> Iterator[tuple[Trial, Outcome]]:
        """Run trials, `jobs` at a time, and give the outcome of each as it ends."""
        waiting = list(trials)
        with interruptible(), tempfile.TemporaryDirectory(prefix="scratch-") as folder:
            try:
                while waiting or self._children:
                    while waiting and len(self._children) < jobs:
                        child = Child(waiting.pop(0), self.chapter, Path(folder).resolve(), self.limit)
                        self._children[child.start(self._conftest)] = child
                    ended = self._first_to_end()
                    yield ended.trial, ended.outcome()
            finally:
                for pid, child in self._children.items():
                    child.kill()
                    os.waitpid(pid, 0)
                self._children.clear()

    def _first_to_end(self) -> Child:
        while True:
            for pid, child in self._children.items():
                if time.monotonic() > child.started + self.limit + NEVER_WAITED:
                    child.kill()
                ended, status = os.waitpid(pid, os.WNOHANG)
                if ended:
                    child.kill()  # what it may have left running
                    child.status = status
                    return self._children.pop(pid)
            time.sleep(0.01)


def _preloaded(chapter: Path) -> ModuleType:
    """Import what the chapter's sources and tests import, but for the chapter's own modules; return root's conftest."""
    conftest = importlib.import_module("conftest")  # first: it has the shared packages checked as they are imported
    for plugin in ("pytest", *PLUGINS):
        importlib.import_module(plugin)
    own = {path.stem for path in (chapter / "src").glob("*.py")}
    for path in [*(chapter / "src").glob("*.py"), *(chapter / "tests").glob("*.py")]:
        with contextlib.suppress(SyntaxError):  # found again, and said, where the tests need it
            for module in sorted(_imported(ast.parse(path.read_text("utf-8"))) - own):
                with contextlib.suppress(ImportError):
                    importlib.import_module(module)
    gc.freeze()  # or every child goes through all that torch has made
    return conftest


def _imported(tree: ast.Module) -> set[str]:
    """The modules that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return found
