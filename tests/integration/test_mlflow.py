"""MLflow: the real client, on a database in the outputs folder and on a server."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.mlflow_server import QUIET, free_port, mlflow_server
from tests.doubles.scripts import TRAIN, call

pytestmark = pytest.mark.timeout(180)


def train(outputs: Path, *arguments: str) -> tuple[dict[str, Any], list[dict[str, Any]], str]:
    """A run with MLflow: its metrics.json, its record, and what it said."""
    options = ("--no-wandb", "--outputs", str(outputs), "tracking.mlflow.enabled=true")
    ended = call(TRAIN, "--experiment", "and", *options, *arguments, env=QUIET)
    assert ended.code == 0, ended.stderr
    (summary,) = outputs.glob("models/*/metrics.json")
    (record,) = outputs.glob("logs/*/metrics.jsonl")
    return json.loads(summary.read_text()), [json.loads(row) for row in record.read_text().splitlines()], ended.stderr


def stored(uri: str, run_id: str) -> dict[str, Any]:
    """What MLflow has of a run, as a process of its own sees it."""
    ask = """
import json, sys
from mlflow import MlflowClient
client = MlflowClient(tracking_uri=sys.argv[1])
experiment = client.get_experiment_by_name("01_perceptron/and")
(run,) = client.search_runs([experiment.experiment_id], f"tags.run_id = '{sys.argv[2]}'")
accuracy = client.get_metric_history(run.info.run_id, "train/accuracy")
folders = ("checkpoints", "visualizations")
files = [file.path for folder in folders for file in client.list_artifacts(run.info.run_id, folder)]
print(json.dumps({"status": run.info.status, "params": run.data.params, "files": files,
                  "accuracy": [[point.step, point.value] for point in accuracy]}))
"""
    done = subprocess.run(
        [sys.executable, "-c", ask, uri, run_id], capture_output=True, text=True, env={**os.environ, **QUIET}
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def assert_all_is_there(seen: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    assert seen["status"] == "FINISHED"
    assert seen["params"]["model.learning_rate"] == "1.0"
    points = [[row["step"], row["train/accuracy"]] for row in rows if "train/accuracy" in row]
    assert sorted(seen["accuracy"]) == sorted(points)
    assert {"checkpoints/model_best.pt", "checkpoints/model_last.pt", "checkpoints/config.yaml"} <= set(seen["files"])


def test_a_run_is_in_the_database_beside_it(tmp_path: Path) -> None:
    summary, rows, said = train(tmp_path, "--plot", "learning_curve")
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    assert f"mlflow: {uri}, run {summary['run_id']}" in said
    seen = stored(uri, summary["run_id"])
    assert_all_is_there(seen, rows)
    assert "visualizations/learning_curve.png" in seen["files"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    with mlflow_server(tmp_path / "server") as url:
        yield url


def test_a_run_is_on_the_server_that_the_config_names(tmp_path: Path, server: str) -> None:
    summary, rows, _ = train(tmp_path / "outputs", f"tracking.mlflow.uri={server}")
    assert_all_is_there(stored(server, summary["run_id"]), rows)


def test_a_server_that_is_not_there_is_one_line_and_the_run_goes_on(tmp_path: Path) -> None:
    summary, _, said = train(tmp_path, f"tracking.mlflow.uri=http://127.0.0.1:{free_port()}")
    assert summary["status"] == "finished"
    (line,) = [line for line in said.splitlines() if "mlflow" in line]
    assert line.endswith("it is switched off for this run")
