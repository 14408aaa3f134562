"""Runs, metrics, pictures and checkpoints on MLflow: a database in the outputs folder, or a server."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.config import MlflowConfig
from engine.runs.metrics_log import read_rows
from engine.tracking.base import Row, RunInfo
from engine.tracking.mlflow_client import connect

_MOST_METRICS, _MOST_PARAMS = 1000, 100  # that the server takes in one request


class MlflowTracker:
    """Shows a run in MLflow.

    Args:
        config: The server, or null for a database beside the runs.
    """

    name, together = "mlflow", 1.0

    def __init__(self, config: MlflowConfig) -> None:
        self._config = config
        self._client: Any = None
        self._id = ""

    def start(self, run: RunInfo) -> str:
        """Open the run; the line says where it is.

        What MLflow has of it from before a resume goes to its trash: that may have rows which are made again, and lack
        others, of which a killed process had not told it. In its place comes the record up to the checkpoint.
        """
        uri = self._config.uri or f"sqlite:///{(run.logs.parents[1] / 'mlflow.db').resolve()}"
        try:
            self._client = connect(uri)
        except ImportError as error:
            raise ImportError("MLflow is not installed; pip install mlflow, or leave it out") from error
        from mlflow.entities import Param

        experiment = self._experiment(f"{run.chapter}/{run.experiment}", run.logs.parents[1] / "mlflow")
        for old in self._client.search_runs([experiment], f"tags.run_id = '{run.run_id}'"):
            self._client.delete_run(old.info.run_id)
        tags = {"mlflow.runName": run.run_id, "run_id": run.run_id} | {tag: "" for tag in run.tags}
        self._id = self._client.create_run(experiment, tags=tags).info.run_id
        params = [Param(name, str(value)) for name, value in _flat(run.config)]
        for start in range(0, len(params), _MOST_PARAMS):
            self._client.log_batch(self._id, params=params[start : start + _MOST_PARAMS])
        if run.recorded_bytes:
            self.log(read_rows(run.logs / "metrics.jsonl", run.recorded_bytes))
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
        for start in range(0, len(metrics), _MOST_METRICS):
            self._client.log_batch(self._id, metrics=metrics[start : start + _MOST_METRICS])

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
