"""Where the registry is: a database in this clone, unless an MLflow server is named."""

import os
import re
import sqlite3
from pathlib import Path
from urllib.parse import urlsplit

from utils.errors import InputError, RunError

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = "MLFLOW_TRACKING_URI"
_SQLITE = "sqlite:///"


def chosen(uri: str | None) -> str:
    """`uri` where it is given, else what MLFLOW_TRACKING_URI says, else the database `registry/mlflow.db` of the clone.

    Raises:
        InputError: It names neither a database file nor a server.
    """
    uri = uri or os.environ.get(VARIABLE) or f"{_SQLITE}{ROOT / 'registry/mlflow.db'}"
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


def check(uri: str, create: bool) -> None:
    """Return if the database can be opened; MLflow itself would try for minutes, and make one where there is none.

    Args:
        uri: As from `chosen`; a server is not asked.
        create: Whether it may be missing.

    Raises:
        InputError: There is none.
        RunError: It is damaged, or not a database.
    """
    path = database(uri)
    if path is None:
        return
    if not path.exists() and not create:
        raise InputError(f"there is no registry at {path} yet; scratch registry register RUN_ID makes it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=20)
        try:
            connection.execute("select count(*) from sqlite_master").fetchone()
        finally:
            connection.close()
    except (OSError, sqlite3.Error) as error:
        raise RunError(f"cannot use the registry {path}: {error}; restore a copy, or name another by --uri") from None
