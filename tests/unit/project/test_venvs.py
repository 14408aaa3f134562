"""When a virtual environment is made, kept, added to and made anew. The installer is a double that writes files."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from project import installer
from project.venvs import Venv, chapter_venv, root_venv
from utils.errors import InputError, RunError


class FakeInstaller:
    """Makes environments of a few files, and remembers what it was asked for."""

    made: list[Path]
    installed: list[tuple[str, ...]]
    error: BaseException | None
    unpacks: bool

    def __init__(self, root: Path, lock: int) -> None:
        pass

    def create(self, home: Path, below: tuple[int, int] | None = None) -> None:
        self.made.append(home)
        python = home / ".venv/bin/python"
        python.parent.mkdir(parents=True)
        python.symlink_to(sys.executable)
        (home / ".venv/lib/python3.11/site-packages").mkdir(parents=True)

    def install(self, home: Path, requirements: Sequence[str]) -> None:
        self.installed.append(tuple(requirements))
        if self.unpacks:
            (home / f".venv/lib/python3.11/site-packages/package{len(self.installed)}").touch()
        if self.error:
            raise self.error


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakeInstaller]:
    FakeInstaller.made, FakeInstaller.installed = [], []
    FakeInstaller.error, FakeInstaller.unpacks = None, True
    monkeypatch.setattr(installer, "Installer", FakeInstaller)
    return FakeInstaller


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'toy'\ndependencies = []\n")
    for name in (
        "requirements-dev.txt",
        "cli/requirements.txt",
        "tests/requirements.txt",
        "chapter/requirements.txt",
        "cli/requirements-sweep.txt",
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("click==8.0\n")
    return tmp_path


@pytest.fixture
def venv(clone: Path) -> Venv:
    return chapter_venv(clone, clone / "chapter")


def test_an_environment_is_made_once(fake: type[FakeInstaller], venv: Venv) -> None:
    venv.ensure("base")
    venv.ensure("base")
    assert (len(fake.made), len(fake.installed)) == (1, 1)
    assert venv.is_ready("base")
    assert not venv.is_ready("dev")


def test_a_later_stage_brings_the_earlier_one(fake: type[FakeInstaller], venv: Venv, clone: Path) -> None:
    venv.ensure("dev")
    own, dev = str(clone / "chapter/requirements.txt"), str(clone / "requirements-dev.txt")
    assert fake.installed == [("-r", own), ("-r", own, "-r", dev)]


def test_other_requirements_make_it_anew(fake: type[FakeInstaller], venv: Venv) -> None:
    venv.ensure("dev")
    (venv.home / "requirements.txt").write_text("click==8.1\n")
    assert not venv.is_ready("base")
    venv.ensure("base")
    assert len(fake.made) == 2


def test_other_tools_are_added_to_what_is_there(fake: type[FakeInstaller], venv: Venv, clone: Path) -> None:
    venv.ensure("dev")
    (clone / "requirements-dev.txt").write_text("pytest==9.0\n")
    assert venv.is_ready("base")
    venv.ensure("dev")
    assert (len(fake.made), len(fake.installed)) == (1, 3)


def test_a_linters_setting_costs_no_installation(fake: type[FakeInstaller], venv: Venv, clone: Path) -> None:
    venv.ensure("base")
    with (clone / "pyproject.toml").open("a") as file:
        file.write("[tool.black]\nline-length = 100\n")
    assert venv.is_ready("base")


def test_another_dependency_of_the_shared_packages_costs_one(
    fake: type[FakeInstaller], venv: Venv, clone: Path
) -> None:
    venv.ensure("base")
    (clone / "pyproject.toml").write_text("[project]\nname = 'toy'\ndependencies = ['tqdm']\n")
    assert not venv.is_ready("base")


def test_a_clone_that_was_moved_gets_new_environments(fake: type[FakeInstaller], clone: Path) -> None:
    root_venv(clone).ensure("base")
    moved = clone.rename(clone.with_name("moved"))
    assert not root_venv(moved).is_ready("base")
    root_venv(moved).ensure("base")
    assert len(fake.made) == 2


def test_an_environment_whose_python_is_gone_is_made_anew(fake: type[FakeInstaller], venv: Venv) -> None:
    venv.ensure("base")
    venv.python.unlink()
    venv.python.symlink_to("/nowhere/python")
    venv.ensure("base")
    assert len(fake.made) == 2


def test_a_set_up_that_was_cut_off_is_not_trusted(fake: type[FakeInstaller], venv: Venv) -> None:
    fake.error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        venv.ensure("base")
    assert not venv.is_ready("base")
    fake.error = None
    venv.ensure("base")
    assert len(fake.made) == 2
    assert [path.name for path in (venv.folder / "lib/python3.11/site-packages").iterdir()] == ["package2"]


def test_a_second_stage_that_was_cut_off_is_not_trusted_either(fake: type[FakeInstaller], venv: Venv) -> None:
    venv.ensure("base")
    fake.error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        venv.ensure("dev")
    assert not venv.is_ready("base")


def test_a_failure_before_anything_was_unpacked_leaves_what_was_there(fake: type[FakeInstaller], venv: Venv) -> None:
    venv.ensure("base")
    fake.error, fake.unpacks = RunError("no network"), False
    with pytest.raises(RunError, match="no network"):
        venv.ensure("dev")
    assert venv.is_ready("base")
    assert not venv.is_ready("dev")


def test_an_environment_made_by_hand_is_added_to(fake: type[FakeInstaller], venv: Venv, clone: Path) -> None:
    FakeInstaller(clone, 0).create(venv.home)
    mine = venv.folder / "lib/python3.11/site-packages/mine"
    mine.touch()
    venv.ensure("base")
    assert mine.exists()
    assert len(fake.made) == 1


def test_the_roots_environment_finds_the_clones_packages(fake: type[FakeInstaller], clone: Path) -> None:
    venv = root_venv(clone)
    venv.ensure("base")
    paths = [path.read_text() for path in (venv.folder / "lib/python3.11/site-packages").glob("*.pth")]
    assert paths == [f"{clone}\n"]


def test_missing_requirements_are_an_error_of_one_line(fake: type[FakeInstaller], venv: Venv) -> None:
    (venv.home / "requirements.txt").unlink()
    with pytest.raises(InputError, match=r"requirements\.txt: No such file or directory; it says which"):
        venv.ensure("base")


def test_a_folder_that_cannot_be_written_is_an_error_of_one_line(fake: type[FakeInstaller], venv: Venv) -> None:
    venv.folder.write_text("in the way")
    with pytest.raises(RunError, match="cannot write"):
        venv.ensure("base")
