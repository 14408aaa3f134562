"""What it costs to resume far into a run: the seconds from `Trainer.prepare` to the first step.

    models/01_perceptron/.venv/bin/python tools/benchmark/resume_seek.py [--step 1000000] [--repeats 5]

A run is trained for ten steps, and its checkpoint is then put at another step, which is what a checkpoint of that step
would say: a position is a number. Data in memory, and data read example by example through a DataLoader, 100,000
examples in batches of 30, so that the position lies within an epoch. The exit code is 1 where it takes more than a
second.
"""

import argparse
import contextlib
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from counts import count  # noqa: E402
from machine import describe_machine  # noqa: E402

from data_utils.splits import Splits, TensorSplit  # noqa: E402
from engine import Run, Trainer  # noqa: E402
from engine.checkpoint.file import load_checkpoint, save_checkpoint  # noqa: E402
from engine.runs.run import Options  # noqa: E402
from experiment.compose import compose_experiment  # noqa: E402
from utils.schema import Strict  # noqa: E402

CHAPTER = Path(__file__).resolve().parent / "overhead/chapter"
NEAR, BATCH, FEATURES = 10, 30, 16
LIMIT = 1.0
"""Seconds."""


class ModelConfig(Strict):
    """The model has no settings."""


class Model(nn.Module):
    """A linear layer that notes when it is first asked to learn."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(FEATURES, 1)
        self.first_step: float | None = None

    def training_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        """The mean squared error."""
        if self.first_step is None:
            self.first_step = time.perf_counter()
        return {"loss": (self.layer(batch[0])[:, 0] - batch[1]).square().mean()}


class OneByOne(Dataset[Any]):
    """The examples as from files."""

    def __init__(self, split: TensorSplit) -> None:
        self.split = split

    def __len__(self) -> int:
        return len(self.split)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.split[index]


def main() -> int:
    """Measure, print the table, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--step", type=int, default=1_000_000, help="where to resume (default: 1000000)")
    parser.add_argument("--examples", type=count, default=100_000, help="size of the data (default: 100000)")
    parser.add_argument("--repeats", type=count, default=5, help="how often (default: 5)")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    split = TensorSplit(torch.randn(options.examples, FEATURES), torch.randn(options.examples))
    rows, passed = [], True
    for title, train in (("in memory", None), ("through a DataLoader", OneByOne(split))):
        near, far = [], []
        for _ in range(options.repeats):  # interleaved: a slow minute falls on both
            near.append(seconds_to_first_step(split, train, NEAR))
            far.append(seconds_to_first_step(split, train, options.step))
        seconds = statistics.median(near), statistics.median(far)
        rows.append(f"| {title} | {seconds[0]:.3f} s | {seconds[1]:.3f} s |")
        passed &= seconds[1] <= LIMIT
    print(describe_machine(load), f"torch {torch.__version__}. Medians of {options.repeats} repeats.\n", sep="\n")
    print(f"| data | from step {NEAR} | from step {options.step:,} |\n|---|---|---|", *rows, sep="\n")
    return 0 if passed else 1


def seconds_to_first_step(split: TensorSplit, train: OneByOne | None, step: int) -> float:
    """From the call of `prepare` with a checkpoint at `step` to the first training step."""
    with tempfile.TemporaryDirectory() as outputs:
        run = Run(CHAPTER, config(NEAR), Path(outputs), Options())
        fit(run, split, train)
        checkpoint = run.folders.models / "model_last.pt"
        save_checkpoint(checkpoint, {**load_checkpoint(checkpoint), "step": step, "evaluated_at": step})
        resumed = Run(CHAPTER, config(step + 1), Path(outputs), Options(resume=True), run.run_id)
        started = time.perf_counter()
        model = fit(resumed, split, train)
    if model.first_step is None:
        raise RuntimeError("the resumed run took no step")
    return model.first_step - started


def config(steps: int) -> Any:
    """A run of so many steps that logs to its record only and evaluates nothing."""
    quiet = ("tracking.wandb.enabled=false", "tracking.tensorboard=false", "optimizer=sgd")
    changes = [f"trainer.duration='{steps} steps'", f"trainer.batch_size={BATCH}", *quiet]
    return compose_experiment(CHAPTER, "work", changes, ModelConfig)


def fit(run: Run, split: TensorSplit, train: OneByOne | None) -> Model:
    """Train to the end; returns the model."""
    names = dict.fromkeys(("class_names", "target_names", "feature_names"), ())
    nothing: dict[str, Any] = {"validation": None, "test": None, "indices": {}, **names}
    splits = Splits(name="work", train=split, input_shape=(FEATURES,), fingerprint="", **nothing)
    trainer, model = Trainer(run), Model()
    with contextlib.redirect_stdout(sys.stderr):  # each run reports that it has finished
        trainer.prepare(model, splits, train).train()
    return model


if __name__ == "__main__":
    sys.exit(main())
