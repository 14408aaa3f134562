"""A lock keeps other processes out for as long as its owner lives, and not a moment longer."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from utils.errors import InputError, RunError
from utils.locks import ProcessLock, lock_file

HOLD = """
import os, sys, time
from pathlib import Path
from utils.locks import ProcessLock
with ProcessLock(Path(sys.argv[1]), "run a"):
    if os.fork() == 0:
        time.sleep(60)  # a DataLoader worker whose parent is gone
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process, and a child of it, that holds the lock of the test's folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path / ".lock"], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


def test_a_lock_that_is_held_is_refused_in_one_line(tmp_path: Path, holder: "subprocess.Popen[str]") -> None:
    with pytest.raises(InputError) as caught:
        ProcessLock(tmp_path / ".lock", "run a").__enter__()
    assert (caught.value.code, caught.value.where) == ("locked", str(tmp_path / ".lock"))


def test_a_killed_owner_frees_the_lock_even_where_its_children_live_on(
    tmp_path: Path, holder: "subprocess.Popen[str]"
) -> None:
    holder.kill()
    holder.wait()
    assert (tmp_path / ".lock").exists()
    with ProcessLock(tmp_path / ".lock", "run a"):
        pass


def test_nothing_is_left_of_a_lock_that_was_given_back(tmp_path: Path) -> None:
    with ProcessLock(tmp_path / "new/.lock", "run a"):
        assert (tmp_path / "new/.lock").exists()
    assert list((tmp_path / "new").iterdir()) == []
    with ProcessLock(tmp_path / "new/.lock", "run a"):
        pass


def test_a_place_where_no_lock_can_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError) as caught:
        ProcessLock(tmp_path / "file/.lock", "run a").__enter__()
    assert (caught.value.code, caught.value.where) == ("cannot-write", str(tmp_path / "file/.lock"))


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EINVAL])
def test_a_file_system_without_locks_costs_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "lockf", refuse)
    monkeypatch.setattr(fcntl, "flock", refuse)
    with ProcessLock(tmp_path / ".lock", "run a"):
        assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert list(tmp_path.iterdir()) == []
    with (tmp_path / "another").open("w", encoding="utf-8") as file:
        lock_file(file.fileno(), fcntl.LOCK_EX, "it")
    assert len(caplog.records) == 2


def test_at_most_one_of_many_processes_is_inside(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from utils.errors import InputError
from utils.locks import ProcessLock
inside, lock = Path(sys.argv[1]) / "inside", Path(sys.argv[1]) / ".lock"
for _ in range(2000):
    try:
        with ProcessLock(lock, "it"):
            inside.mkdir()  # fails where somebody else is
            inside.rmdir()
    except InputError:
        pass
"""
    many = [subprocess.Popen([sys.executable, "-c", script, tmp_path]) for _ in range(3)]
    deadline = time.monotonic() + 60
    assert [process.wait(deadline - time.monotonic()) for process in many] == [0, 0, 0]
