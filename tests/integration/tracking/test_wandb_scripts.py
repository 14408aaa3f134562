"""The chapter's scripts with wandb: online, from an artifact, and with a key that is refused."""

import json
from pathlib import Path

import pytest

from tests.doubles.scripts import EVALUATE, TRAIN, call
from tests.doubles.wandb_server import ENTITY, WandbServer

pytestmark = [pytest.mark.timeout(120), pytest.mark.usefixtures("home")]

ARTIFACT = f"{ENTITY}/ai-from-scratch-to-scale/01_perceptron-and:latest"


def test_a_checkpoint_travels_through_wandb_from_a_training_to_an_evaluation(
    tmp_path: Path, server: WandbServer
) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    trained = call(TRAIN, "--experiment", "and", "--tags", "night", "--outputs", here)
    assert trained.code == 0, trained.stderr
    (summary,) = here.glob("models/*/metrics.json")
    run = server.runs[json.loads(summary.read_text())["run_id"]]
    assert (run.exit_code, run.tags) == (0, ["night"])
    rows = (summary.parents[2] / "logs" / run.name / "metrics.jsonl").read_text().splitlines()
    assert [row["step"] for row in run.history] == [json.loads(row)["step"] for row in rows]

    evaluated = call(EVALUATE, "--experiment", "and", "--checkpoint", ARTIFACT, "--outputs", elsewhere)
    assert evaluated.code == 0, evaluated.stderr
    (result,) = elsewhere.glob("models/*/evaluation-and.json")
    assert json.loads(result.read_text())["metrics"]["accuracy"] == 1.0

    continued = call(TRAIN, "--experiment", "and", "--no-wandb", "--load-checkpoint", ARTIFACT, "--outputs", elsewhere)
    assert continued.code == 0, continued.stderr


def test_an_artifact_that_is_not_there_is_one_line(tmp_path: Path, server: WandbServer) -> None:
    ended = call(EVALUATE, "--experiment", "and", "--checkpoint", ARTIFACT, "--outputs", tmp_path / "outputs")
    assert ended.code == 2
    assert ended.stderr == f"error: there is no artifact {ARTIFACT} on wandb\n"


def test_a_refused_key_is_one_line_and_the_training_goes_on_offline(tmp_path: Path, server: WandbServer) -> None:
    server.refuse_key = True
    ended = call(TRAIN, "--experiment", "and", "--outputs", tmp_path)
    assert ended.code == 0
    (line,) = [line for line in ended.stderr.splitlines() if "wandb" in line]
    assert "refused the API key" in line and "continuing offline" in line
    assert list(tmp_path.glob("logs/*/wandb/offline-run-*"))
