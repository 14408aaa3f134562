"""A command goes on in the environment that it needs, once."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.environment import VARIABLE, continue_in, continue_with_run
from project.chapters import Project
from utils.errors import RunError

NEWEST = "or-0-20260103T000000Z-aaaa"
RUNS = {
    "01_perceptron": "or-0-20260101T000000Z-ffff",
    "02_adaline": NEWEST,
    "03_mlp": "xor-0-20260102T000000Z-0000",
}


class Became(BaseException):
    """The process is another program from here on."""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Chapters with a run each."""
    for chapter, run in RUNS.items():
        folder = tmp_path / "models" / chapter / "outputs/models" / run
        folder.mkdir(parents=True)
        (folder / "config.yaml").touch()
    return Project(tmp_path)


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was made ready, and what the process became."""
    events: list[Any] = []

    def execve(python: Path, command: list[str], variables: dict[str, str]) -> None:
        events.append((python, command[1:], variables[VARIABLE]))
        raise Became

    monkeypatch.setattr("project.venvs.Venv.ensure", lambda venv, stage: events.append(stage))
    monkeypatch.setattr("os.execve", execve)
    monkeypatch.setattr(sys, "argv", ["scratch", "track", "latest", "--outputs", "here"])
    monkeypatch.delenv(VARIABLE, raising=False)
    return events


def goes_on(action: Callable[[], object]) -> bool:
    """Whether `action` returns in this process."""
    try:
        action()
    except Became:
        return False
    return True


def test_the_environment_is_made_ready_and_gets_the_same_command_line(project: Project, events: list[Any]) -> None:
    venv = project.venv(project.chapter("03"))
    assert not goes_on(lambda: continue_in(venv, "base", "export"))
    *stages, (python, arguments, here) = events
    assert stages == ["base", "export"]
    assert (python, here) == (venv.python, str(venv.folder))
    assert arguments == ["-P", "-m", "cli", "track", "latest", "--outputs", "here"]


def test_the_command_goes_on_there_and_tells_nobody_that_it_starts(
    project: Project, events: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    venv = project.venv(project.chapter("03"))
    monkeypatch.setenv(VARIABLE, str(venv.folder))
    assert goes_on(lambda: continue_in(venv, "base"))
    assert (events, VARIABLE in os.environ) == ([], False)


def test_a_command_that_came_to_another_environment_does_not_go_round(
    project: Project, events: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(project.venv(project.chapter("01")).folder))
    with pytest.raises(RunError, match=VARIABLE):
        continue_in(project.venv(project.chapter("03")), "base")
    assert events == []


def test_a_python_that_has_everything_is_used_as_it_is(
    project: Project, events: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "ready")
    assert goes_on(lambda: continue_in(project.venv(), "registry"))
    assert (events, os.environ[VARIABLE]) == ([], "ready")


def test_the_run_says_in_which_chapter_to_go_on(project: Project, events: list[Any], tmp_path: Path) -> None:
    run = tmp_path / "elsewhere/models/a run"
    run.mkdir(parents=True)
    (run / "config.yaml").touch()
    (run / "metrics.json").write_text('{"chapter": "02_adaline"}')
    for name, outputs in (("a run", run.parents[1]), (str(run), None), ("latest", None)):
        assert not goes_on(lambda name=name, outputs=outputs: continue_with_run(project, name, outputs, "base"))
        assert events.pop()[2] == str(tmp_path / "models/02_adaline/.venv")


def test_latest_is_said_once_and_where_the_work_is(
    project: Project, events: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not goes_on(lambda: continue_with_run(project, "latest", None, "base"))
    assert capsys.readouterr().err == ""
    monkeypatch.setenv(VARIABLE, str(project.root / "models/02_adaline/.venv"))
    chapter, folder = continue_with_run(project, "latest", None, "base")
    assert (chapter.name, folder.name) == ("02_adaline", NEWEST)
    said = capsys.readouterr().err
    assert NEWEST in said and "02_adaline" in said
