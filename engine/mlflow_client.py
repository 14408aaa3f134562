"""MLflow's client as this project uses it: quiet, sending nothing that was not asked for, never waiting long."""

import logging
import os
import warnings
from typing import Any

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
    return MlflowClient(tracking_uri=uri, registry_uri=uri)
