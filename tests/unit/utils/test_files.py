"""Atomic files: the old content or the new, never a part, and nothing left lying about."""

import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.errors import RunError
from utils.files import cannot_write, sync_folder, write_atomic


@given(content=st.binary() | st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_written_is_what_is_read(tmp_path_factory: pytest.TempPathFactory, content: bytes | str) -> None:
    path = tmp_path_factory.mktemp("files") / "new" / "folder" / "a file"
    write_atomic(path, content)
    assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)


@pytest.mark.parametrize("call", ["fsync", "replace", "fdopen"])
def test_a_failure_of_the_system_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "result.json"
    write_atomic(path, "old")

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        with pytest.raises(RunError, match="free some space") as caught:
            write_atomic(path, "new")
    assert (caught.value.code, caught.value.where) == ("cannot-write", str(path))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interruption_leaves_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            write_atomic(tmp_path / "x", "new")
    assert list(tmp_path.iterdir()) == []


def test_content_that_fails_its_check_never_gets_the_name(tmp_path: Path) -> None:
    path = tmp_path / "x"
    write_atomic(path, "old")

    def refuse(written: Path) -> None:
        assert written.read_text(encoding="utf-8") == "new"
        raise ValueError("not good enough")

    with pytest.raises(ValueError, match="not good enough"):
        write_atomic(path, "new", check=refuse)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("place", ["a file/result", "/proc/nowhere/result", "a folder"])
def test_a_place_where_nothing_can_be_written_is_one_clear_line(tmp_path: Path, place: str) -> None:
    (tmp_path / "a file").write_text("not a folder")
    (tmp_path / "a folder").mkdir()
    with pytest.raises(RunError) as caught:
        write_atomic(tmp_path / place, "x")
    text = str(caught.value)
    assert text.startswith(f"cannot write {tmp_path / place}: ")
    assert "\n" not in text and "None" not in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a file", "a folder"]


def test_an_error_without_words_of_its_own_is_still_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError("the cable is out")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(RunError, match="the cable is out"):
        write_atomic(tmp_path / "x", "new")


def test_every_new_folder_on_the_way_is_made_to_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("utils.files.sync_folder", synced.append)
    write_atomic(tmp_path / "models/a run/metrics.json", "{}")
    assert synced == [tmp_path, tmp_path / "models", tmp_path / "models/a run"]
    write_atomic(tmp_path / "models/a run/metrics.json", "{}")
    assert synced[3:] == [tmp_path / "models/a run"]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o002, 0o664)])
def test_a_file_has_the_mode_that_the_umask_gives(tmp_path: Path, umask: int, mode: int) -> None:
    former = os.umask(umask)
    try:
        write_atomic(tmp_path / "x", "content")
    finally:
        os.umask(former)
    assert (tmp_path / "x").stat().st_mode & 0o777 == mode


def test_a_file_system_without_modes_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "chmod", refuse)
    write_atomic(tmp_path / "x", "content")
    assert (tmp_path / "x").read_text() == "content"


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_a_file_system_that_syncs_no_folders_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    sync = os.fsync

    def refuse(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse)
    write_atomic(tmp_path / "new/x", "content")
    assert (tmp_path / "new/x").read_text() == "content"


def test_a_disk_that_fails_under_a_folder_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output"):
        sync_folder(tmp_path)


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EACCES, errno.EROFS, errno.ENOTDIR, errno.EIO])
def test_only_a_full_disk_is_advised_to_free_space(number: int) -> None:
    assert "space" not in str(cannot_write(Path("x"), OSError(number, "no")))
