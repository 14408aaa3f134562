"""Under Lightning's Trainer a model has, step by step, the losses that it has under ours."""

import json
import re
from pathlib import Path

import pytest
import torch

from data_utils import load
from engine.interop.lightning import ChapterModule
from project.chapters import Project
from tests.doubles.bench import NETWORK, PERCEPTRON, ROOT, Bench
from tests.doubles.scripts import call
from tests.doubles.under_lightning import trained
from tests.support.experiments import experiment_plots
from utils.errors import InputError

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*isinstance.treespec:FutureWarning"),
]
EVERY_STEP = ("trainer.log_every=1 step",)


def test_the_documented_lines_train() -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/lightning.md").read_text(), re.DOTALL)
    ended = call("-c", snippet, cwd=PERCEPTRON / "src", env={"PYTHONPATH": str(ROOT)})
    assert ended.code == 0, ended.stderr
    assert float(ended.stdout.split()[-1]) == 0  # the last loss: all of AND is learned


@pytest.mark.parametrize(
    ("chapter", "experiment", "changes"),
    [
        (NETWORK, "blobs", ()),
        (NETWORK, "blobs", ("optimizer=adam", "trainer.clip_norm=0.1", "scheduler=cosine", "scheduler.warmup=5 steps")),
        (NETWORK, "blobs", ("trainer.duration=9 steps",)),
        (NETWORK, "blobs", ("trainer.accumulate=2", "trainer.batch_size=4")),
        (PERCEPTRON, "and", ()),
        (PERCEPTRON, "noisy-blobs", ("trainer.duration=2 epochs", "trainer.batch_size=7")),
    ],
    ids=["sgd", "adam, clipped, scheduled", "part of an epoch", "accumulated", "own rule", "own rule, ragged"],
)
def test_the_losses_are_those_of_our_own_trainer(
    chapter: Path, experiment: str, changes: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCRATCH_DATA_DIR", str(tmp_path / "data"))
    bench = Bench(chapter, tmp_path / "outputs")
    config = bench.config(experiment, *EVERY_STEP, *changes)
    ours = bench.train(bench.run(config))
    losses, weights = trained(config, lambda: bench.model(config, load(config.data).n_features), tmp_path)
    expected = [row["batch/loss"] for row in ours.rows if "batch/loss" in row]
    each = torch.tensor(losses, dtype=torch.float64).reshape(len(expected), config.trainer.accumulate)
    torch.testing.assert_close(each.mean(1), torch.tensor(expected, dtype=torch.float64), rtol=1e-6, atol=1e-7)
    for name, value in ours.weights.items():
        torch.testing.assert_close(weights[name], value, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    "chapter", [chapter.folder for chapter in Project().chapters()], ids=lambda folder: folder.name
)
def test_every_chapter_has_under_lightning_the_losses_of_its_own_script(chapter: Path, tmp_path: Path) -> None:
    ended = call("-m", "tests.doubles.under_lightning", chapter, next(iter(experiment_plots(chapter))), tmp_path)
    assert ended.code == 0, ended.stderr
    found = json.loads(ended.stdout.splitlines()[-1])
    assert len(found["ours"]) == 8
    assert found["theirs"] == pytest.approx(found["ours"], rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("change", ["trainer.clip_norm=1.0", "trainer.accumulate=2"])
def test_what_a_model_with_its_own_update_would_have_to_do_itself_is_refused(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCRATCH_DATA_DIR", str(tmp_path / "data"))
    bench = Bench(PERCEPTRON, tmp_path / "outputs")
    config = bench.config("and", change)
    with pytest.raises(InputError, match=r"this model makes its own update: .* trainer.clip_norm null"):
        ChapterModule(config, lambda: bench.model(config, 2), load(config.data))
