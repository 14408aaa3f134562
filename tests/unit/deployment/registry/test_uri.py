"""Where the registry is, and what is said where it cannot be used."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from deployment.registry import uri as place
from deployment.registry.failures import explained
from deployment.registry.uri import VARIABLE, chosen, opening, shown
from utils.errors import InputError, RunError


def test_the_option_wins_over_the_variable_and_the_variable_over_the_clone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert chosen(None).startswith("sqlite:////")
    assert chosen(None).endswith("/outputs/registry/mlflow.db")
    monkeypatch.setenv(VARIABLE, "http://variable:5000")
    assert chosen(None) == "http://variable:5000"
    assert chosen("https://option") == "https://option"


@pytest.mark.parametrize(
    "uri", ["file:///tmp/x", "mlruns", "postgresql://host/db", "databricks", "sqlite:///", "http://"]
)
def test_what_is_neither_a_database_file_nor_a_server_is_refused(uri: str) -> None:
    with pytest.raises(InputError, match=r"neither sqlite:///FILE nor the http"):
        chosen(uri)


def test_a_password_is_not_shown() -> None:
    assert shown("http://me:secret@host:5000/x") == "http://host:5000/x"
    assert shown("http://host:5000/a@b") == "http://host:5000/a@b"


def test_a_registry_that_is_not_there_is_made_only_by_registering(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/new/mlflow.db"
    with (
        pytest.raises(InputError, match=r"there is no registry at .*scratch registry register"),
        opening(uri, create=False),
    ):
        pass
    assert not (tmp_path / "new").exists()
    with opening(uri, create=True):
        pass


def test_a_damaged_database_costs_one_line_at_once(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"not a database" * 1000)
    with (
        pytest.raises(RunError, match=r"cannot use the registry .*not a database; restore a copy"),
        opening(f"sqlite:///{tmp_path}/mlflow.db", create=False),
    ):
        pass


@pytest.mark.parametrize("create", [False, True])
def test_nothing_is_left_beside_a_file_that_is_no_database(tmp_path: Path, create: bool) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match="not a database"), opening(f"sqlite:///{tmp_path}/notes.txt", create):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("create", [False, True])
def test_the_database_of_another_program_is_left_alone(tmp_path: Path, create: bool) -> None:
    with closing(sqlite3.connect(tmp_path / "places.db")) as other:
        other.execute("create table bookmarks (url)")
    before = (tmp_path / "places.db").read_bytes()
    with (
        pytest.raises(InputError, match=r"places.db is a database of another program; name another one by --uri"),
        opening(f"sqlite:///{tmp_path}/places.db", create),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["places.db"]
    assert (tmp_path / "places.db").read_bytes() == before


def test_an_empty_file_is_made_a_registry_only_by_registering(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    uri = f"sqlite:///{tmp_path}/empty"
    with pytest.raises(InputError, match="there is no registry at"), opening(uri, create=False):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]
    with opening(uri, create=True):
        pass


def test_a_folder_that_cannot_be_written_costs_one_line_at_once() -> None:
    with (
        pytest.raises(RunError, match=r"cannot use the registry /proc/outputs/registry/mlflow.db"),
        opening("sqlite:////proc/outputs/registry/mlflow.db", create=True),
    ):
        pass


def test_a_database_that_another_program_holds_costs_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "_WAIT_SECONDS", 0)
    with closing(sqlite3.connect(tmp_path / "mlflow.db", isolation_level=None)) as other:
        other.execute("begin exclusive")
        with (
            pytest.raises(RunError, match=r"database is locked; another program writes to it; try again"),
            opening(f"sqlite:///{tmp_path}/mlflow.db", create=False),
        ):
            pass


def test_a_database_that_can_only_be_read_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as ours:
        ours.execute("create table experiments (name)")
    monkeypatch.setattr(os, "access", lambda *_: False)  # for root, too
    with opening(f"sqlite:///{tmp_path}/mlflow.db", create=False):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]


def test_what_a_database_refuses_is_said_without_its_sql() -> None:
    refusal = sqlite3.OperationalError("attempt to write a readonly database")
    with (
        pytest.raises(RunError, match=r"^the registry sqlite:///r.db refused: .*attempt to write a readonly database$"),
        explained("sqlite:///r.db"),
    ):
        raise OperationalError("INSERT INTO tags VALUES (?)", ("a",), refusal)
