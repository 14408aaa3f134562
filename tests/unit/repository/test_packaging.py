"""What gets installed is what is there."""

import os
import tomllib
from pathlib import Path

from setuptools import find_packages

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_package_of_the_clone_is_installed() -> None:
    shared = SETTINGS["tool"]["importlinter"]["root_packages"]
    there = {
        ".".join(path.parent.relative_to(ROOT).parts) for name in shared for path in (ROOT / name).rglob("__init__.py")
    }
    assert set(find_packages(str(ROOT), **SETTINGS["tool"]["setuptools"]["packages"]["find"])) == there


def test_the_launcher_can_be_run() -> None:
    assert os.access(ROOT / "scratch", os.X_OK)
