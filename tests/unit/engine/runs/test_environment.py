"""The snapshot of what a run was made with."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.runs.environment import snapshot


@pytest.fixture(autouse=True)
def _no_repository_but_the_one_in_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit hook runs the tests with variables that would point git back to the project."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One commit with two files in it."""
    folder = tmp_path / "a repository"
    (folder / "chapter").mkdir(parents=True)
    (folder / "chapter" / "model.py").write_text("width = 1\n")
    (folder / ".gitignore").write_text("outputs/\n")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "--quiet", "--message", "first")
    return folder


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def state_of(folder: Path) -> Any:
    return snapshot(torch.device("cpu"), folder)["git"]


def test_a_clean_repository_is_its_commit(repository: Path) -> None:
    commit = git(repository, "rev-parse", "HEAD").strip()
    assert state_of(repository) == {"commit": commit, "diff": "", "untracked": []}


def test_uncommitted_changes_are_in_the_diff(repository: Path) -> None:
    (repository / "chapter" / "model.py").write_text("width = 2\n")
    diff = state_of(repository)["diff"]
    assert "-width = 1\n+width = 2\n" in diff
    git(repository, "stash")
    subprocess.run(["git", "apply"], cwd=repository, input=diff, check=True, text=True)
    assert (repository / "chapter" / "model.py").read_text() == "width = 2\n"


def test_staged_changes_are_in_the_diff_too(repository: Path) -> None:
    (repository / "chapter" / "model.py").write_text("width = 2\n")
    git(repository, "add", ".")
    assert "+width = 2\n" in state_of(repository)["diff"]


def test_the_whole_repository_counts_wherever_in_it_the_folder_is(repository: Path) -> None:
    (repository / "shared.py").write_text("")
    (repository / ".gitignore").write_text("outputs/\n# more\n")
    state = state_of(repository / "chapter")
    assert "+# more\n" in state["diff"]
    assert state["untracked"] == ["shared.py"]


def test_ignored_files_are_not_listed(repository: Path) -> None:
    (repository / "outputs").mkdir()
    (repository / "outputs" / "x").write_text("")
    assert state_of(repository)["untracked"] == []


def test_outside_a_repository_there_is_no_state(tmp_path: Path) -> None:
    assert state_of(tmp_path) is None


def test_a_repository_without_a_commit_has_no_state(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    assert state_of(tmp_path) is None


def test_without_git_there_is_no_state(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert "git" in state_of(repository)["unread"]


SETTINGS = (
    "diff.external=/bin/true",
    "color.ui=always",
    "diff.noprefix=true",
    "diff.mnemonicPrefix=true",
    "diff.context=0",
)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("way", ["environment", "repository"])
def test_what_is_recorded_does_not_depend_on_settings(
    repository: Path, monkeypatch: pytest.MonkeyPatch, setting: str, way: str
) -> None:
    (repository / "chapter" / "model.py").write_text("width = 2\n")
    expected = state_of(repository)
    name, value = setting.split("=")
    if way == "repository":
        git(repository, "config", name, value)
    else:
        monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
        monkeypatch.setenv("GIT_CONFIG_KEY_0", name)
        monkeypatch.setenv("GIT_CONFIG_VALUE_0", value)
    assert "+width = 2\n" in expected["diff"]
    assert state_of(repository) == expected


def test_variables_that_point_to_another_repository_are_ignored(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = state_of(repository)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other/.git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    assert state_of(repository) == expected


def test_a_repository_of_another_owner_is_said_to_be_unread(
    repository: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_another = tmp_path / "bin/git"
    as_another.parent.mkdir()
    as_another.write_text(f'#!/bin/sh\nGIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec {shutil.which("git")} "$@"\n')
    as_another.chmod(0o755)
    monkeypatch.setenv("PATH", str(as_another.parent), prepend=os.pathsep)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "dubious ownership" in state_of(repository)["unread"]
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_damaged_repository_is_said_to_be_unread(repository: Path) -> None:
    (repository / ".git/HEAD").write_text("nonsense")
    assert state_of(repository)["unread"]


def test_a_folder_on_the_path_that_cannot_be_read_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: str) -> list[str]:
        raise PermissionError(13, "Permission denied", folder)

    monkeypatch.setattr(os, "listdir", refuse)
    assert snapshot(torch.device("cpu"), tmp_path)["packages"] == {}


def test_the_snapshot_is_plain_data_that_says_what_made_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    found = json.loads(json.dumps(snapshot(torch.device("cpu"), tmp_path)))
    assert found["packages"]["torch"] == torch.__version__
    assert found["hardware"]["device"] == "cpu" and found["hardware"]["threads"] == torch.get_num_threads()
    assert found["environment"]["OMP_NUM_THREADS"] == "1"
    assert found["command"] and found["python"] and found["platform"]


def test_nothing_secret_is_in_the_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "a-secret-key")
    assert "a-secret-key" not in json.dumps(snapshot(torch.device("cpu"), tmp_path))
