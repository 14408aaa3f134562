"""MLflow's client as this project uses it: quiet, sending nothing that was not asked for, never waiting long."""

import logging
import os
import re
import sqlite3
import tempfile
import time
import warnings
from contextlib import closing
from pathlib import Path
from typing import Any

from utils.errors import InputError
from utils.files import write_atomic
from utils.locks import ProcessLock

_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # nothing leaves the machine that nobody named
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def connect(uri: str) -> Any:
    """An `MlflowClient` of the database or the server at `uri`, runs and registered models alike.

    Raises:
        ImportError: MLflow is not installed.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about what MLflow itself uses
        from mlflow import MlflowClient
    for name in ("alembic", "mlflow"):  # after the import, which sets a level
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what they would log is raised as well
    if file := re.fullmatch(r"sqlite:///([^?:]+)", uri):
        _make_database(Path(file[1]), MlflowClient)
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def _make_database(path: Path, client: Any) -> None:
    """Make MLflow's tables at `path`, unless they are there.

    MLflow takes seconds for that, in many transactions; a process that was killed among them would leave a database
    that it refuses from then on. So the file is whole when it gets its name.
    """
    while not path.exists() or path.stat().st_size == 0:
        try:
            with ProcessLock(path.with_name(f".{path.name}.lock"), f"the database {path}"):
                if not path.exists() or path.stat().st_size == 0:
                    write_atomic(path, _new_database(client))
        except InputError:  # another process makes it
            time.sleep(0.1)


def _new_database(client: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/mlflow.db"
        client(tracking_uri=f"sqlite:///{file}", registry_uri=f"sqlite:///{file}")
        with closing(sqlite3.connect(file)) as database:
            return database.serialize()
