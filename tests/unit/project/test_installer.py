"""Which Python an environment is made of, and what is said when packages cannot be had."""

from pathlib import Path

import pytest

from project.installer import PYTHON, Installer, reason
from tests.doubles.toy_clone import executable
from utils.errors import RunError

PIP = """
WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError': /simple/click/
ERROR: Could not find a version that satisfies the requirement click==99 (from versions: none)
ERROR: No matching distribution found for click==99
"""
UV_OFFLINE = """
Using Python 3.11.7
error: Failed to fetch: `https://example.org/simple/click/`
  cause: Request failed after 3 retries in 8.8s
  cause: Connection refused (os error 111)
"""
UV_CONFLICT = """
error: No solution found when resolving dependencies
  cause: Because you require click==8.5.1 and click==99, we can conclude that your
    requirements are unsatisfiable.
"""


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (PIP, "Could not find a version that satisfies the requirement click==99 (from versions: none)"),
        (UV_OFFLINE, "Failed to fetch: `https://example.org/simple/click/`: Connection refused (os error 111)"),
        (
            UV_CONFLICT,
            "No solution found when resolving dependencies: "
            "Because you require click==8.5.1 and click==99, we can conclude that your",
        ),
        ("Killed\n", "Killed"),
        ("", "it said nothing"),
    ],
)
def test_the_reason_is_found_in_the_installers_output(output: str, expected: str) -> None:
    assert reason(output) == expected


NEWER, OLDER = (99, 0), (3, 0)
"""Of a Python that is not yet there, and of one that was: this one is before the first and not before the second."""


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone without environments, on a machine that has no uv."""
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "home/.venv").mkdir(parents=True)
    (tmp_path / "lock").touch()
    return tmp_path


def create(clone: Path, uv: str, below: tuple[int, int] | None) -> None:
    """Make `home/.venv` where `uv` is what uv does."""
    executable(clone / "uv", uv)
    with (clone / "lock").open() as lock:
        Installer(clone, lock.fileno()).create(clone / "home", below)


@pytest.mark.parametrize(("below", "python"), [(None, PYTHON), (NEWER, PYTHON), (OLDER, ">=3.11,<3.0")])
def test_an_environment_is_of_this_python_unless_that_is_too_new(
    below: tuple[int, int] | None, python: str, clone: Path
) -> None:
    create(clone, f'echo "$@" > {clone}/asked', below)
    assert f"--python {python} {clone}/home/.venv\n" in (clone / "asked").read_text()


def test_an_older_python_that_is_not_to_be_had_is_named(clone: Path) -> None:
    with pytest.raises(RunError, match=r"with a Python before 3\.0, making home/\.venv failed: No interpreter found;"):
        create(clone, "echo 'error: No interpreter found' >&2; exit 2", OLDER)
    (clone / "uv").unlink()
    with pytest.raises(RunError, match=r"home/\.venv needs a Python before 3\.0; install uv, which finds or"):
        Installer(clone, 0).create(clone / "home", OLDER)
