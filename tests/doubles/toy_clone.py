"""A small clone of the repository: the real command line, toy chapters, and environments that cost nothing to make."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

from project.chapters import Project
from project.venvs import SERVICES, Venv

REPOSITORY = Path(__file__).resolve().parents[2]

CONSTANTS = """
TITLE = "Toy"
YEAR: int = 1958
AUTHORS = ("A. One", "B. Two")
PAPER = "On toys"
MODULE = "Toys"
LATER = len(PAPER)
"""


class ToyClone:
    """A folder that `./scratch` works in.

    Args:
        root: An empty folder.
    """

    def __init__(self, root: Path) -> None:
        (root / "models").mkdir(parents=True)
        self.root = root
        self.project = Project(root)
        for package in ("cli", "deployment", "experiment", "project", "utils"):
            shutil.copytree(REPOSITORY / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(REPOSITORY / "scratch", root)
        shutil.copy(REPOSITORY / "pyproject.toml", root)
        services = [f"deployment/{service}/requirements.txt" for service in SERVICES]
        for name in ("requirements-dev.txt", "tests/requirements.txt", "cli/requirements.txt", *services):
            self.write(name, "")
        self.fill(self.project.venv())

    def write(self, name: str, content: str) -> Path:
        """Write a file, in a new folder if need be."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    def add_chapter(self, name: str, scripts: dict[str, str] | None = None) -> Path:
        """Add a chapter with an experiment `xor`, its environment ready.

        Args:
            name: Such as `01_toy`.
            scripts: File name to source, for its `src/`.
        """
        folder = self.root / "models" / name
        self.write(f"models/{name}/requirements.txt", "")
        self.write(f"models/{name}/src/constants.py", CONSTANTS)
        self.write(f"models/{name}/config/experiment/xor.yaml", "# @package _global_\ngoal: No line can do it.\n")
        for script, source in (scripts or {}).items():
            self.write(f"models/{name}/src/{script}", source)
        self.fill(self.project.venv(self.project.chapter(name)))
        return folder

    def fill(self, venv: Venv) -> None:
        """Make `venv` look complete; its Python is the one that runs the tests."""
        venv.python.parent.mkdir(parents=True, exist_ok=True)
        run_with = f'PYTHONPATH="{self.root}" exec "{sys.executable}" "$@"'
        executable(venv.python, run_with)
        for stage in venv.stages:
            venv.stamp(stage)

    def environment(self, **variables: str) -> dict[str, str]:
        """This process's environment and `variables`, with no CI setting of the machine that runs the tests."""
        return {name: value for name, value in os.environ.items() if name != "CI"} | variables

    def scratch(self, *arguments: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `./scratch ARGUMENTS` at the root, or in `cwd`, with `variables` on top of the environment."""
        return subprocess.run(
            [sys.executable, str(self.root / "scratch"), *arguments],
            capture_output=True,
            text=True,
            env=self.environment(**variables),
            cwd=cwd or self.root,
            timeout=240,
            check=False,
        )

    def interrupted(self, number: signal.Signals, pid: Path, *arguments: str) -> tuple[int, str]:
        """Run `./scratch ARGUMENTS`, send it `number` once the file `pid` is written; its exit code and stderr."""
        command = [sys.executable, str(self.root / "scratch"), *arguments]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=self.environment()) as process:
            while process.poll() is None and not (pid.exists() and pid.read_text(encoding="utf-8")):
                time.sleep(0.05)
            process.send_signal(number)
            _, said = process.communicate(timeout=240)
            return process.returncode, said


def executable(path: Path, command: str) -> None:
    """Write a shell script that can be run."""
    path.write_text(f"#!/bin/sh\n{command}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
