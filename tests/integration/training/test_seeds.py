"""`train.py --seeds`: several runs from one command."""

import json
from pathlib import Path

import pytest

from tests.doubles.bench import NETWORK
from tests.doubles.scripts import TRAIN, call

pytestmark = pytest.mark.timeout(120)


def summaries(outputs: Path) -> list[dict[str, object]]:
    return [json.loads(path.read_text()) for path in sorted((outputs / "models").glob("*/metrics.json"))]


def test_seeds_of_a_network_train_together_and_leave_a_run_each_on_every_tracker(tmp_path: Path) -> None:
    ended = call(
        *(NETWORK / "src/train.py", "--experiment", "blobs", "--seeds", "0,2", "--no-wandb", "--outputs", tmp_path),
        *("model.dropout=0", "trainer.evaluate_on=[train]", "trainer.monitor=null"),
    )
    assert ended.code == 0, ended.stderr
    assert "training 2 seeds together" in ended.stderr
    assert [(each["seed"], each["status"]) for each in summaries(tmp_path)] == [(0, "finished"), (2, "finished")]
    assert len(list((tmp_path / "logs").glob("*/events.out.tfevents.*"))) == 2


def test_seeds_of_a_model_with_a_rule_of_its_own_train_one_after_the_other(tmp_path: Path) -> None:
    quiet = ("--no-wandb", "tracking.tensorboard=false", "--outputs", tmp_path)
    ended = call(TRAIN, "--experiment", "xor", "--seeds", "0-1", "--epochs", 3, *quiet)
    assert ended.code == 0, ended.stderr
    assert "the seeds cannot train together: the model makes its own update; training one after" in ended.stderr
    assert [each["status"] for each in summaries(tmp_path)] == ["finished", "finished"]


@pytest.mark.parametrize("flag", [("--seed", "1"), ("--resume", "latest"), ("--dry-run",)])
def test_seeds_and_flags_that_contradict_them_are_refused(flag: tuple[str, ...], tmp_path: Path) -> None:
    ended = call(TRAIN, "--experiment", "xor", "--seeds", "0-1", *flag, "--outputs", tmp_path)
    assert ended.code == 2
    assert f"--seeds and {flag[0]} do not go together" in ended.stderr
    assert not list(tmp_path.iterdir())
