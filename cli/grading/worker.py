"""One changed copy of a chapter and the process that runs its tests; see trials.py."""

import contextlib
import faulthandler
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from cli.grading.blanks import Sources, read_sources
from cli.grading.messages import syntax
from cli.grading.outcome import Failure, Outcome

ROOT = Path(__file__).resolve().parents[2]
NOT_COPIED = shutil.ignore_patterns("outputs", ".venv", "__pycache__", ".ipynb_checkpoints")
PLUGINS = ("_hypothesis_pytestplugin", "pytest_timeout")  # named, as looking for any there are takes half a second


@dataclass(frozen=True)
class Trial:
    """A copy of the chapter with some files changed, and tests to run on it."""

    name: str
    files: Sources
    """Paths in the chapter's folder, and what stands in them."""
    tests: tuple[str, ...] = ()
    """As pytest names them, relative to the chapter; empty: all."""


class Child:
    """A forked process with a trial in it."""

    def __init__(self, trial: Trial, chapter: Path, folder: Path, limit: float) -> None:
        self.trial = trial
        self.limit = limit
        self.home = Path(tempfile.mkdtemp(dir=folder))
        self.chapter = self.home / "models" / chapter.name
        shutil.copytree(chapter, self.chapter, ignore=NOT_COPIED)
        for file, text in trial.files.items():
            (self.chapter / file).write_text(text, "utf-8")
        self.pid = 0
        self.started = time.monotonic()
        self.status = 0

    def start(self, conftest: ModuleType) -> int:
        """Fork, and return the child's id."""
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            self._be_the_child(conftest)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.setpgid(self.pid, self.pid)  # whoever is first: the child does it too
        return self.pid

    def kill(self) -> None:
        """End the process and all that it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def outcome(self) -> Outcome:
        """What came of the trial; call once, after its end."""
        seconds = time.monotonic() - self.started
        try:
            read: dict[str, Any] = json.loads((self.home / "outcome.json").read_text(encoding="utf-8"))
            failure = Failure(**read.pop("failure")) if read["failure"] else read.pop("failure")
            return Outcome(failure, **{key: _frozen(value) for key, value in read.items()}, seconds=seconds)
        except (OSError, ValueError):
            return Outcome(self._cut_off(), seconds=seconds)
        finally:
            shutil.rmtree(self.home, ignore_errors=True)

    def _cut_off(self) -> Failure:
        """Why the process ended before its tests did."""
        test = _text(self.home / "running.txt")
        stack = [
            line.rsplit(", line ", 1)
            for line in _text(self.home / "stack.txt").splitlines()
            if str(self.chapter) in line
        ]
        inside = [(file, where) for file, where in stack if f"{self.chapter}/src/" in file]
        if stack or (os.WIFSIGNALED(self.status) and os.WTERMSIG(self.status) == signal.SIGKILL):
            said = f"no answer after {self.limit:g} s: is there a loop that never ends?"
            if inside:
                line, _, function = inside[0][1].partition(" in ")
                file = inside[0][0].partition('"')[2].rstrip('"').removeprefix(f"{self.chapter}/")
                return Failure(test, f"{said} It was at line {line} of {file}, in {function}", file, int(line))
            return Failure(test, said)
        if os.WIFSIGNALED(self.status):
            return Failure(test, f"Python crashed: {signal.Signals(os.WTERMSIG(self.status)).name}")
        return Failure(test, f"the code ended Python, with exit code {os.WEXITSTATUS(self.status)}")

    def _be_the_child(self, conftest: ModuleType) -> NoReturn:
        os.setpgid(0, 0)
        with (self.home / "log.txt").open("wb") as log, (self.home / "stack.txt").open("w") as stack:
            null = os.open(os.devnull, os.O_RDONLY)
            for source, target in ((null, 0), (log.fileno(), 1), (log.fileno(), 2)):
                os.dup2(source, target)
            faulthandler.dump_traceback_later(self.limit, exit=True, file=stack)
            code = 1
            try:
                _write(self.home / "outcome.json", _tested(self, conftest))
                code = 0
            finally:
                sys.stdout.flush()
                os._exit(code)  # nothing of the parent's is cleaned up by its copy


def _tested(child: Child, conftest: ModuleType) -> Outcome:
    import pytest

    from cli.grading.reporter import Reporter

    for file, text in read_sources(child.chapter).items():
        try:
            compile(text, str(child.chapter / file), "exec")
        except SyntaxError as error:
            return Outcome(syntax(error, file))
    os.chdir(child.chapter)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    reporter = Reporter(child.chapter, child.home / "running.txt")
    sys.dont_write_bytecode = True
    options = [option for plugin in PLUGINS for option in ("-p", plugin)]
    options += ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:faulthandler", "--override-ini=timeout=0"]
    options += ["--hypothesis-seed=0", "-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"]
    options += ["-c", str(ROOT / "pyproject.toml"), f"--rootdir={child.home}"]
    code = pytest.main([*options, *(child.trial.tests or ["tests"])], plugins=[conftest, reporter])
    outcome = reporter.outcome()
    if outcome.failure is None and (code != 0 or not outcome.passed + outcome.skipped):
        said = f"pytest ended with exit code {int(code)}: {_text(child.home / 'log.txt')[-500:]}"
        return replace(outcome, failure=Failure("", said, broken=True))
    return outcome


def _write(path: Path, outcome: Outcome) -> None:
    temporary = path.with_suffix(".part")
    content = asdict(outcome)
    del content["seconds"]
    temporary.write_text(json.dumps(content), encoding="utf-8")
    temporary.rename(path)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
