"""What gets installed is what is there, and continuous integration runs what a person runs."""

import os
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_package_of_the_clone_is_installed() -> None:
    shared = SETTINGS["tool"]["importlinter"]["root_packages"]
    found = {
        ".".join(path.parent.relative_to(ROOT).parts) for name in shared for path in (ROOT / name).rglob("__init__.py")
    }
    assert set(SETTINGS["tool"]["setuptools"]["packages"]) == found


def test_the_launcher_can_be_run() -> None:
    assert os.access(ROOT / "scratch", os.X_OK)


def test_the_workflow_runs_what_a_clean_checkout_runs() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    job = workflow["jobs"]["check"]
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert [step["run"] for step in job["steps"] if "run" in step] == ["bash .ci/run"]
    commands = (ROOT / ".ci/run").read_text()
    assert all(f"./scratch {command}\n" in commands for command in ("lint", "demo", "test"))


def test_the_workflow_may_only_read_and_runs_pinned_actions() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    assert workflow["permissions"] == {"contents": "read"}
    for step in workflow["jobs"]["check"]["steps"]:
        assert "uses" not in step or len(step["uses"].split("@")[1]) == 40
