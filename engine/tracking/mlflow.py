"""Runs, metrics, pictures and checkpoints on MLflow: a database in the outputs folder, or a server."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.config import MlflowConfig
from engine.mlflow_client import connect
from engine.tracking.base import Row, RunInfo

_MOST_AT_ONCE = 1000  # metrics that the server takes in one request


class MlflowTracker:
    """Shows a run in MLflow.

    Args:
        config: The server, or null for a database beside the runs.
    """

    name = "mlflow"

    def __init__(self, config: MlflowConfig) -> None:
        self._config = config
        self._client: Any = None
        self._id = ""

    def start(self, run: RunInfo) -> str:
        """Open the run, or the one that a resumed run had; the line says where it is."""
        uri = self._config.uri or f"sqlite:///{(run.logs.parents[1] / 'mlflow.db').resolve()}"
        try:
            self._client = connect(uri)
        except ImportError as error:
            raise ImportError("MLflow is not installed; pip install mlflow, or leave it out") from error
        experiment = self._experiment(f"{run.chapter}/{run.experiment}", run.logs.parents[1] / "mlflow")
        tags = {"mlflow.runName": run.run_id, "run_id": run.run_id} | {tag: "" for tag in run.tags}
        known = self._client.search_runs([experiment], f"tags.run_id = '{run.run_id}'", max_results=1)
        if known:
            self._id = known[0].info.run_id
            self._client.update_run(self._id, status="RUNNING")
        else:
            self._id = self._client.create_run(experiment, tags=tags).info.run_id
            for name, value in _flat(run.config):
                self._client.log_param(self._id, name, value)
        return f"mlflow: {uri}, run {run.run_id}"

    def log(self, rows: Sequence[Row]) -> None:
        """All values of all rows, a thousand to a request."""
        from mlflow.entities import Metric

        metrics = [
            Metric(name, value, round(1000 * row["seconds"]), int(row["step"]))
            for row in rows
            for name, value in row.items()
            if name not in ("step", "seconds")
        ]
        for start in range(0, len(metrics), _MOST_AT_ONCE):
            self._client.log_batch(self._id, metrics=metrics[start : start + _MOST_AT_ONCE])

    def figure(self, name: str, path: Path, step: int) -> None:
        """Keep the picture under `visualizations/`."""
        self._client.log_artifact(self._id, str(path), "visualizations")

    def checkpoint(self, files: Sequence[Path], aliases: Sequence[str], metadata: Mapping[str, Any]) -> None:
        """Keep the files under `checkpoints/`."""
        for file in files:
            self._client.log_artifact(self._id, str(file), "checkpoints")

    def finish(self, status: str) -> None:
        """Close the run."""
        ended = {"finished": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}[status]
        self._client.set_terminated(self._id, ended)

    def _experiment(self, name: str, artifacts: Path) -> str:
        found = self._client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        location = None if self._config.uri else artifacts.resolve().as_uri()  # a server has its own place for files
        return str(self._client.create_experiment(name, artifact_location=location))


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """`{"a": {"b": 1}}` as `a.b`, 1."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
