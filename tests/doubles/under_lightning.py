"""A training under Lightning's Trainer, and the losses of a chapter's script under ours and under Lightning's.

`python -m tests.doubles.under_lightning CHAPTER EXPERIMENT OUTPUTS` prints both as JSON.
"""

import json
import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest import mock

import lightning
from torch import Tensor, nn

from data_utils import load
from engine import Run
from engine.interop.lightning import ChapterModule, trainer_options
from engine.runs.metrics_log import read_rows
from engine.runs.run import Options
from experiment.compose import compose_experiment

QUIET = {
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}
SHORT = (
    "trainer.duration=8 steps",
    "trainer.log_every=1 step",
    "tracking.wandb.enabled=false",
    "tracking.tensorboard=false",
)


class Losses(lightning.Callback):
    """Keeps the loss of every step."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.seen.append(float(outputs["loss"]) * trainer.accumulate_grad_batches)  # it is divided already


def trained(config: Any, build: Callable[[], nn.Module], folder: Path) -> tuple[list[float], dict[str, Tensor]]:
    """The losses and the weights that Lightning comes to."""
    losses, module = Losses(), ChapterModule(config, build, load(config.data))
    trainer = lightning.Trainer(**trainer_options(config), **QUIET, callbacks=[losses], default_root_dir=folder)
    trainer.fit(module)
    return losses.seen, module.model.state_dict()


def main(chapter: Path, experiment: str, outputs: Path) -> dict[str, list[float]]:
    """The losses of each step."""
    sys.path.insert(0, str(chapter / "src"))
    script, sizes = import_module("train"), import_module("config").ModelConfig
    run = Run(chapter, compose_experiment(chapter, experiment, [*SHORT], sizes), outputs, Options())
    script.main(run).train()
    rows = read_rows(run.folders.logs / "metrics.jsonl")

    with mock.patch("engine.Trainer") as trainer:  # which the script hands its model to

        def build() -> nn.Module:
            script.main(run)
            model: nn.Module = trainer.return_value.prepare.call_args.args[0]
            return model

        theirs, _ = trained(run.config, build, outputs)
    return {"ours": [row["batch/loss"] for row in rows if "batch/loss" in row], "theirs": theirs}


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # Lightning's advice
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))))
