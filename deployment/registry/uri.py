"""Where the registry is: a database in this clone, unless an MLflow server is named."""

import fcntl
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from utils.errors import InputError, RunError
from utils.locks import lock_file

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = "MLFLOW_TRACKING_URI"
_SQLITE = "sqlite:///"
_MLFLOW_TABLE = "experiments"
_WAIT_SECONDS = 20  # for another program that writes to the database


def chosen(uri: str | None) -> str:
    """`uri` where it is given, else what MLFLOW_TRACKING_URI says, else `outputs/registry/mlflow.db` in the clone.

    Raises:
        InputError: It names neither a database file nor a server.
    """
    uri = uri or os.environ.get(VARIABLE) or f"{_SQLITE}{ROOT / 'outputs/registry/mlflow.db'}"
    if not re.match(r"sqlite:///.|https?://[^/]", uri):
        raise InputError(
            f"the registry '{shown(uri)}' is neither sqlite:///FILE nor the http(s) address of an MLflow server; "
            f"look at --uri and {VARIABLE}"
        )
    return uri


def shown(uri: str) -> str:
    """`uri` as messages have it: without a password."""
    return uri.replace(f"{urlsplit(uri).netloc.rpartition('@')[0]}@", "", 1) if "@" in urlsplit(uri).netloc else uri


def database(uri: str) -> Path | None:
    """The file of a registry that is a database; None for a server."""
    return Path(uri.removeprefix(_SQLITE)).absolute() if uri.startswith(_SQLITE) else None


@contextmanager
def opening(uri: str, create: bool) -> Iterator[None]:
    """Within this a database may be opened, by one process at a time: where it is new, MLflow makes its tables.

    It is looked at first, because MLflow would try for minutes to open one that is damaged.

    Args:
        uri: As from `chosen`; a server is not asked.
        create: Whether it may be missing.

    Raises:
        InputError: There is none, or it is another program's.
        RunError: It is damaged, or not a database, or cannot be written.
    """
    path = database(uri)
    with ExitStack() as held:
        if path is not None:
            try:
                _expect_ours(path, create)
                if not path.exists() or os.access(path.parent, os.W_OK):  # where nobody can write, nobody makes tables
                    path.parent.mkdir(parents=True, exist_ok=True)
                    lock = held.enter_context(path.with_name(f"{path.name}.lock").open("wb"))
                    lock_file(lock.fileno(), fcntl.LOCK_EX, str(path))
            except (OSError, sqlite3.Error) as error:
                locked = "locked" in str(error)
                advice = (
                    "another program writes to it; try again" if locked else "restore a copy, or name another by --uri"
                )
                raise RunError(f"cannot use the registry {path}: {error}; {advice}") from None
        yield


def _expect_ours(path: Path, create: bool) -> None:
    """Return if there is a registry at `path`, or may be one; nothing is left beside a file that is none."""
    tables: set[str] = set()
    if path.exists():
        with closing(sqlite3.connect(path, timeout=_WAIT_SECONDS)) as connection:
            tables = {name for (name,) in connection.execute("select name from sqlite_master")}
    if tables and _MLFLOW_TABLE not in tables:
        raise InputError(f"{path} is a database of another program; name another one by --uri")
    if not tables and not create:
        raise InputError(f"there is no registry at {path} yet; scratch registry register RUN_ID makes it")
