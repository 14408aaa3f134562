"""Runs, configs and checkpoints that an older engine left behind can still be used."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from engine.checkpoint.file import load_checkpoint
from engine.runs.metrics_log import read_rows
from tests.doubles.bench import NETWORK, ROOT, untimed
from tests.doubles.scripts import call

BEFORE = ROOT / "tests/fixtures/before_the_rooms"
STOPPED, FINISHED = "blobs-0-20261201T023435Z-318a", "blobs-0-20261201T023435Z-d2a9"


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    return Path(shutil.copytree(BEFORE, tmp_path / "outputs"))


def test_a_run_that_was_stopped_then_comes_to_the_same_end(outputs: Path) -> None:
    resumed = call(NETWORK / "src/train.py", "--resume", STOPPED, "--outputs", outputs)
    assert resumed.code == 0, resumed.stderr
    ours, theirs = (load_checkpoint(outputs / "models" / run / "model_last.pt") for run in (STOPPED, FINISHED))
    for part in ("model", "average", "best"):
        torch.testing.assert_close(ours[part], theirs[part])
    rows = [
        [untimed(row) for row in read_rows(outputs / "logs" / run / "metrics.jsonl")] for run in (STOPPED, FINISHED)
    ]
    assert [row.keys() for row in rows[0]] == [row.keys() for row in rows[1]]
    assert all(mine == pytest.approx(other) for mine, other in zip(*rows, strict=True))


def test_a_checkpoint_of_then_is_evaluated(outputs: Path) -> None:
    evaluate = (NETWORK / "src/evaluate.py", "--checkpoint", FINISHED, "--experiment", "blobs", "--split", "validation")
    measured = call(*evaluate, "--outputs", outputs)
    assert measured.code == 0, measured.stderr
    folder = outputs / "models" / FINISHED
    now = json.loads((folder / "evaluation-blobs.json").read_text())["metrics"]
    then = json.loads((folder / "metrics.json").read_text())["last"]
    assert now["loss"] == pytest.approx(then["validation/loss"])


def test_a_config_of_then_is_replayed(outputs: Path) -> None:
    config = outputs / "models" / FINISHED / "config.yaml"
    replayed = call(NETWORK / "src/train.py", "--config", config, "--outputs", outputs)
    assert replayed.code == 0, replayed.stderr
