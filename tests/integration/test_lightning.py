"""Under Lightning's Trainer a model has, step by step, the losses that it has under ours."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning
import pytest
import torch
from torch import Tensor, nn

from data_utils import load
from engine.interop.lightning import ChapterModule, trainer_options
from tests.doubles.bench import NETWORK, PERCEPTRON, ROOT, Bench
from tests.doubles.scripts import call

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*isinstance.treespec:FutureWarning"),
]
EVERY_STEP = ("trainer.log_every=1 step",)


class Losses(lightning.Callback):
    """Keeps the loss of every step."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.seen.append(float(outputs["loss"]) * trainer.accumulate_grad_batches)  # it is divided already


def trained(config: Any, build: Callable[[], nn.Module], folder: Path) -> tuple[list[float], dict[str, Tensor]]:
    """The losses and the weights that Lightning comes to."""
    losses, module = Losses(), ChapterModule(config, build, load(config.data))
    quiet = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    trainer = lightning.Trainer(**trainer_options(config), **quiet, callbacks=[losses], default_root_dir=folder)
    trainer.fit(module)
    return losses.seen, module.model.state_dict()


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
