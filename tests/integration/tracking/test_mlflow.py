"""MLflow: the real client, on a database in the outputs folder and on a server."""

import json
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.runs.metrics_log import read_rows
from engine.tracking.backfill import rebuild
from engine.tracking.mlflow_client import connect
from tests.doubles.bench import NETWORK, ROOT
from tests.doubles.mlflow_server import QUIET, free_port, mlflow_server
from tests.doubles.scripts import TRAIN, call, finish, start

pytestmark = [pytest.mark.timeout(180), pytest.mark.filterwarnings("ignore")]  # of the packages that MLflow uses


def train(outputs: Path, *arguments: str) -> tuple[dict[str, Any], list[dict[str, Any]], str]:
    """A run with MLflow: its metrics.json, its record, and what it said."""
    options = ("--no-wandb", "--outputs", str(outputs), "tracking.mlflow.enabled=true")
    ended = call(TRAIN, "--experiment", "and", *options, *arguments, env=QUIET)
    assert ended.code == 0, ended.stderr
    (summary,) = outputs.glob("models/*/metrics.json")
    (record,) = outputs.glob("logs/*/metrics.jsonl")
    return json.loads(summary.read_text()), [json.loads(row) for row in record.read_text().splitlines()], ended.stderr


def stored(uri: str, run_id: str, experiment: str = "01_perceptron/and") -> dict[str, Any]:
    """What MLflow has of a run; `points` are step and value of each metric."""
    client = connect(uri)
    found = client.get_experiment_by_name(experiment)
    (run,) = client.search_runs([found.experiment_id], f"tags.run_id = '{run_id}'")
    names = [name for name in run.data.metrics if "/" in name]  # the epoch comes with each row, of which a step has two
    history = {name: client.get_metric_history(run.info.run_id, name) for name in names}
    folders = ("checkpoints", "visualizations")
    return {
        "status": run.info.status,
        "params": run.data.params,
        "files": [file.path for folder in folders for file in client.list_artifacts(run.info.run_id, folder)],
        "points": {name: sorted([each.step, each.value] for each in points) for name, points in history.items()},
    }


def points_in(rows: list[dict[str, Any]]) -> dict[str, list[list[float]]]:
    names = {name for row in rows for name in row if "/" in name}
    return {name: [[row["step"], row[name]] for row in rows if name in row] for name in names}


def assert_all_is_there(seen: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    assert seen["status"] == "FINISHED"
    assert seen["params"]["model.learning_rate"] == "1.0"
    assert seen["points"] == points_in(rows)
    assert {"checkpoints/model_best.pt", "checkpoints/model_last.pt", "checkpoints/config.yaml"} <= set(seen["files"])


def test_a_run_is_in_the_database_beside_it(tmp_path: Path) -> None:
    summary, rows, said = train(tmp_path, "--plot", "learning_curve")
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    assert f"mlflow: {uri}, run {summary['run_id']}" in said
    seen = stored(uri, summary["run_id"])
    assert_all_is_there(seen, rows)
    assert "visualizations/learning_curve.png" in seen["files"]


def test_a_killed_and_resumed_run_is_there_once_and_whole_and_so_is_one_that_is_shown_again(tmp_path: Path) -> None:
    settings = ("tracking.mlflow.enabled=true", "trainer.checkpoint.every=3 steps", "trainer.log_every=1 step")
    place, fated = ("--no-wandb", "--outputs", tmp_path), ROOT / "tests/doubles/fate.py"
    killed = call(fated, "--experiment", "blobs", *settings, *place, env=QUIET | {"FATE": "death"})
    assert killed.code == -9
    (record,) = tmp_path.glob("logs/*/metrics.jsonl")
    database, run_id = f"sqlite:///{tmp_path}/mlflow.db", record.parent.name
    assert list(rebuild(tmp_path, run_id, "mlflow", {}))  # as if it had got everything before the kill
    seen = stored(database, run_id, "90_logistic/blobs")
    assert (seen["status"], seen["points"]) == ("KILLED", points_in(read_rows(record)))
    assert max(step for step, _ in seen["points"]["batch/loss"]) == 4  # which is made again from step 3 on

    resumed = call(NETWORK / "src/train.py", "--resume", run_id, "--outputs", tmp_path, env=QUIET)
    assert resumed.code == 0, resumed.stderr
    for _ in range(2):
        seen = stored(database, run_id, "90_logistic/blobs")
        assert (seen["status"], seen["points"]) == ("FINISHED", points_in(read_rows(record)))
        assert "checkpoints/model_last.pt" in seen["files"]
        assert list(rebuild(tmp_path, run_id, "mlflow", {}))


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


# ---- the database ----------------------------------------------------------------------------------------------------

# Arguments: the database, and the name of an experiment to make in it.
USE = """
import sys
from engine.tracking.mlflow_client import connect
client = connect(f"sqlite:///{sys.argv[1]}")
client.create_experiment(sys.argv[2], artifact_location="/nowhere")
"""
# The first of many changes to the tables that make them what this version of MLflow wants is the process's last.
DIE = """
import os, signal
import alembic.command
alembic.command.upgrade = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
"""


def use(database: Path, name: str, before: str = "") -> "subprocess.Popen[str]":
    return start("-c", before + USE, database, name, env=QUIET)


def experiments(database: Path) -> set[str]:
    with closing(sqlite3.connect(database)) as opened:
        return {name for (name,) in opened.execute("select name from experiments")}


def test_a_process_that_is_killed_while_it_makes_the_database_leaves_none(tmp_path: Path) -> None:
    database = tmp_path / "mlflow.db"
    assert finish(use(database, "first", before=DIE)).code == -9
    assert not database.exists()
    ended = finish(use(database, "second"))
    assert ended.code == 0, ended.stderr
    assert experiments(database) == {"Default", "second"}
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]


def test_two_processes_that_make_the_database_at_once_use_the_same_one(tmp_path: Path) -> None:
    database = tmp_path / "mlflow.db"
    database.touch()  # as SQLite leaves it after a first look
    ended = [finish(each) for each in [use(database, name) for name in ("one", "other")]]
    assert [each.code for each in ended] == [0, 0], ended
    assert experiments(database) == {"Default", "one", "other"}
