"""Runs that are over, as notebooks read them."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from engine.runs.past_runs import finished_runs, newest_run
from engine.runs.run import Folders

DATA = {"name": "or", "standardize": False, "validation": 0.0, "test": 0.0, "split_seed": 0}


def leave(outputs: Path, run_id: str, experiment: str, status: str = "finished") -> None:
    folders = Folders.of(outputs, run_id)
    folders.models.mkdir(parents=True)
    folders.logs.mkdir(parents=True)
    results = {"run_id": run_id, "experiment": experiment, "status": status}
    (folders.models / "metrics.json").write_text(json.dumps(results))
    (folders.models / "config.yaml").write_text(yaml.safe_dump({"data": DATA}))
    rows = [{"step": 0, "a": 1.0}, {"step": 1, "b": 5.0}, {"step": 1, "a": 2.0}]
    (folders.logs / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_only_finished_runs_of_the_experiment_are_found(tmp_path: Path) -> None:
    leave(tmp_path, "or-1", "or")
    leave(tmp_path, "or-2", "or", status="failed")
    leave(tmp_path, "and-1", "and")
    assert [run.run_id for run in finished_runs(tmp_path, "or")] == ["or-1"]
    assert {run.run_id for run in finished_runs(tmp_path)} == {"or-1", "and-1"}


def test_a_metric_is_read_from_the_rows_that_have_it(tmp_path: Path) -> None:
    leave(tmp_path, "or-1", "or")
    run = newest_run(tmp_path, "or")
    assert run is not None
    np.testing.assert_array_equal(run.values("a"), [1.0, 2.0])


def test_the_training_data_are_those_of_the_config(tmp_path: Path) -> None:
    leave(tmp_path, "or-1", "or")
    (run,) = finished_runs(tmp_path)
    data = run.training_data()
    assert data["inputs"].shape == (4, 2)
    assert data["targets"].tolist() == [0, 1, 1, 1]


def test_where_there_is_no_run_it_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert newest_run(tmp_path, "xor") is None
    assert capsys.readouterr().out == "No run of xor yet: python src/train.py --experiment xor\n"
