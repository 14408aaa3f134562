"""The virtual environments: made on first use, remembered by a hash, made anew where a set-up was cut off.

Standard library only and quick to import: the launcher comes through here every time, before anything is installed.
"""

import fcntl
import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from utils.errors import InputError
from utils.files import cannot_write
from utils.locks import lock_file

if TYPE_CHECKING:
    from project.installer import Installer  # only imported where something is missing: most commands find all in place


SERVICES = ("api", "export", "interface", "registry")
"""The folders of `deployment/` that have a requirements.txt of their own."""


class Stage(NamedTuple):
    """One layer of a virtual environment; the later ones stand on the first, each for itself."""

    name: str
    install: tuple[str, ...]
    """Arguments of `pip install`, as typed in the folder that holds the .venv."""
    inputs: tuple[Path, ...]
    """Files that decide what gets installed: the stage is up to date while these are what they were."""


def root_venv(root: Path) -> "Venv":
    """The repository's own environment: `base` runs the command line, `dev` the shared tests and the linters.

    `new` adds what makes a chapter from the template, `audit` what asks about packages, `registry` the client of the
    model registry.
    """
    command_line = root / "cli/requirements.txt"
    dev, tests = root / "requirements-dev.txt", root / "tests/requirements.txt"
    new, audit = root / "cli/requirements-new.txt", root / "cli/requirements-audit.txt"
    registry = root / "deployment/registry/requirements.txt"
    return Venv(
        home=root,
        root=root,
        stages=(
            Stage("base", ("-r", str(command_line)), (command_line,)),
            Stage("dev", ("-r", str(dev), "-r", str(tests), "-e", "."), (dev, tests, root / "pyproject.toml")),
            Stage("new", ("-r", str(command_line), "-r", str(new)), (new,)),
            Stage("audit", ("-r", str(command_line), "-r", str(audit)), (audit,)),
            Stage("registry", ("-r", str(command_line), "-r", str(registry)), (registry,)),
        ),
    )


def chapter_venv(root: Path, chapter: Path) -> "Venv":
    """A chapter's environment.

    `base` is its requirements.txt; `dev` adds what its tests need, `sweep` a search, and each of `SERVICES` what that
    service needs.
    """
    own, dev = chapter / "requirements.txt", root / "requirements-dev.txt"
    sweep = root / "cli/requirements-sweep.txt"
    services = {name: root / "deployment" / name / "requirements.txt" for name in SERVICES}
    return Venv(
        home=chapter,
        root=root,
        stages=(
            Stage("base", ("-r", str(own)), (own, root / "pyproject.toml")),
            # Both lists at once, so that a tool cannot bring a version that the chapter does not want.
            Stage("dev", ("-r", str(own), "-r", str(dev)), (own, dev)),
            Stage("sweep", ("-r", str(own), "-r", str(sweep)), (own, sweep)),
            *(Stage(name, ("-r", str(own), "-r", str(file)), (own, file)) for name, file in services.items()),
        ),
    )


def triton_venv(root: Path) -> "Venv":
    """The environment of Triton Inference Server, which wants an older NumPy than the chapters, so no new Python."""
    listed = root / "deployment/export/requirements-triton.txt"
    stages = (Stage("base", ("-r", str(listed)), (listed,)),)
    return Venv(home=root / "build/tritonserver", root=root, stages=stages, below=(3, 13))


class Venv:
    """The `.venv` in `home`, with its stages.

    A stage that is complete leaves a stamp, the hash of what it was made from. While one is being made there is a
    marker; a marker that nobody holds the lock for is a set-up that was cut off, and nothing in it is trusted.
    `below` is the first Python that its packages are not made for.
    """

    def __init__(self, home: Path, root: Path, stages: tuple[Stage, ...], below: tuple[int, int] | None = None) -> None:
        self.home = home
        self.root = root
        self.stages = stages
        self.below = below
        self.folder = home / ".venv"
        self.python = self.folder / "bin/python"
        self._marker = self.folder / ".scratch-unfinished"

    def is_ready(self, name: str) -> bool:
        """Whether the stage `name`, and those it stands on, are complete and up to date."""
        return not self._marker.exists() and all(self._is_current(stage) for stage in self._up_to(name))

    def ensure(self, name: str) -> None:
        """Bring the stage `name` and those it stands on up to date; returns at once where they are.

        Raises:
            RunError: The packages cannot be had, or the folder cannot be written.
        """
        if self.is_ready(name):
            return
        from project.installer import Installer

        try:
            with self._lock() as lock:
                installer = Installer(self.root, lock)
                if self._must_start_over():
                    shutil.rmtree(self.folder)
                for stage in self._up_to(name):
                    if not self._is_current(stage):
                        self._make(stage, installer)
        except OSError as error:
            raise cannot_write(self.folder, error) from error

    def _must_start_over(self) -> bool:
        """Cut off, made from another base, or without its Python; an environment made by hand is added to instead."""
        if not self.folder.exists():
            return False
        stamped = self._stamp_of(self.stages[0]).exists()
        return self._marker.exists() or not self.python.exists() or (stamped and not self._is_current(self.stages[0]))

    def _make(self, stage: Stage, installer: "Installer") -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._marker.touch()
        if not self.python.exists():
            installer.create(self.home, self.below)
        before = self._last_change()
        try:
            installer.install(self.home, stage.install)
        except BaseException:
            if self._last_change() == before:  # nothing was unpacked yet, so what is there is still sound
                self._marker.unlink()
            raise
        if self.home == self.root:
            # The command line imports its packages from the clone, from whatever folder it is called.
            (self.packages() / "ai-from-scratch-to-scale.pth").write_text(f"{self.root}\n", encoding="utf-8")
        self.stamp(stage)
        self._marker.unlink()

    def stamp(self, stage: Stage) -> None:
        """Declare `stage` complete."""
        self._stamp_of(stage).write_text(self._wanted(stage), encoding="utf-8")

    def _up_to(self, name: str) -> tuple[Stage, ...]:
        first, *later = self.stages
        return (first, *(stage for stage in later if stage.name == name))

    def _stamp_of(self, stage: Stage) -> Path:
        return self.folder / f".scratch-{stage.name}"

    def _is_current(self, stage: Stage) -> bool:
        stamp = self._stamp_of(stage)
        return stamp.is_file() and self.python.exists() and stamp.read_text(encoding="utf-8") == self._wanted(stage)

    def _wanted(self, stage: Stage) -> str:
        """The hash of everything that decides what the stage holds; a moved clone or another Python changes it too."""
        parts = [str(self.home), os.path.realpath(self.python), *stage.install]
        parts += [_what_counts(path) for path in stage.inputs]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def packages(self) -> Path:
        """Where its packages are."""
        return next(self.folder.glob("lib/python*/site-packages"))

    def _last_change(self) -> int:
        return self.packages().stat().st_mtime_ns

    @contextmanager
    def _lock(self) -> Iterator[int]:
        """One set-up at a time in the whole clone: they share the clone's own package."""
        with (self.root / ".venv.lock").open("w", encoding="utf-8") as file:
            try:
                lock_file(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB, file.name)
            except BlockingIOError:
                print("waiting for another scratch command that is installing packages", file=sys.stderr)
                lock_file(file.fileno(), fcntl.LOCK_EX, file.name)
            yield file.fileno()


def _what_counts(path: Path) -> str:
    """The text of an input; of pyproject.toml only what an installation reads, or a linter's setting would cost one."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; it says which packages to install") from error
    if path.name != "pyproject.toml":
        return text
    import json
    import tomllib

    settings = tomllib.loads(text)
    read = (settings.get("build-system"), settings.get("project"), settings.get("tool", {}).get("setuptools"))
    return json.dumps(read, sort_keys=True)
