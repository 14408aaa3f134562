"""What backpropagation by hand costs beside the same network in torch.nn, on the same engine.

    models/03_mlp/.venv/bin/python tools/benchmark/mlp_by_hand.py [--rounds 7] [--steps 2000]

Each round trains both networks on random numbers in the shape of the data, with the engine's trainer, and takes the
time of a step from the record: the fastest logging window. The two take turns, and the order changes from round to
round, so that a machine that slows down slows both. The table has the median over the rounds of each time and of the
ratio.
"""

import argparse
import contextlib
import io
import os
import statistics
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "models/03_mlp/src")]
os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch  # noqa: E402
from counts import count  # noqa: E402
from machine import describe_machine  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from config import ModelConfig  # noqa: E402
from data_utils.splits import Splits, TensorSplit  # noqa: E402
from engine import Run, Trainer  # noqa: E402
from engine.runs.metrics_log import read_rows  # noqa: E402
from engine.runs.run import Options  # noqa: E402
from experiment.compose import compose_experiment  # noqa: E402
from model import MLP  # noqa: E402

CHAPTER = ROOT / "models/03_mlp"
LIMIT = 1.5


class Task(NamedTuple):
    """A network, and how it is fed."""

    sizes: tuple[int, ...]
    batch_size: int
    steps: int


TASKS = (Task((64, 32, 10), 32, 2_000), Task((64, 64, 64, 64, 10), 32, 2_000), Task((784, 300, 10), 128, 400))
OPTIMIZERS = ("sgd", "momentum", "adam")


class TorchMLP(nn.Module):
    """The same network of torch.nn: autograd differentiates it, and the engine's fused torch.optim updates it."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for below, units in pairwise(sizes):
            parts += [nn.Linear(below, units), nn.ReLU()]
        self.network = nn.Sequential(*parts[:-1])

    def training_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        """The cross-entropy of a batch."""
        inputs, targets = batch
        return {"loss": nn.functional.cross_entropy(self.network(inputs.flatten(1)), targets)}

    def evaluation_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        """The answers to a batch."""
        inputs, targets = batch
        return {"predictions": self.network(inputs.flatten(1)).argmax(dim=1), "targets": targets}


def main() -> int:
    """Measure, print the table, and return the exit code: 1 where a ratio is above the limit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=count, default=7, help="how often each pair is measured (default: 7)")
    parser.add_argument("--steps", type=int, help="how long each training is, at least 100; default: as suits its size")
    options = parser.parse_args()
    rounds, tasks = options.rounds, [task._replace(steps=options.steps or task.steps) for task in TASKS]
    torch.set_num_threads(1)
    load, slow = os.getloadavg()[0], False
    print(describe_machine(load), f"torch {torch.__version__}, one thread. Medians of {rounds} rounds.\n")
    print("| network | batch | optimizer | by hand | torch.nn | ratio |", "|---|---|---|---|---|---|", sep="\n")
    for task in tasks:
        for optimizer in OPTIMIZERS:
            pairs = [measured(task, optimizer, by_hand_first=bool(i % 2)) for i in range(rounds)]
            ratio = statistics.median(ours / theirs for ours, theirs in pairs)
            ours, theirs = (statistics.median(times) for times in zip(*pairs, strict=True))
            slow |= ratio > LIMIT
            network = "-".join(map(str, task.sizes))
            row = [network, str(task.batch_size), optimizer, f"{ours:,.0f} µs", f"{theirs:,.0f} µs", f"{ratio:.2f}"]
            print(f"| {' | '.join(row)} |", flush=True)
    return 1 if slow else 0


def measured(task: Task, optimizer: str, by_hand_first: bool) -> tuple[float, float]:
    """Microseconds of a step by hand and with torch.nn."""
    if by_hand_first:
        ours = step_time(task, optimizer, by_hand=True)
        return ours, step_time(task, optimizer, by_hand=False)
    theirs = step_time(task, optimizer, by_hand=False)
    return step_time(task, optimizer, by_hand=True), theirs


def step_time(task: Task, optimizer: str, by_hand: bool) -> float:
    """Microseconds of a step: those of the fastest window of 100 steps."""
    name = "sgd" if optimizer == "momentum" else optimizer  # as the engine calls it
    overrides = [
        f"trainer.duration='{task.steps} steps'",
        f"trainer.batch_size={task.batch_size}",
        "trainer.log_every='100 steps'",
        "trainer.evaluate_every='1000000 steps'",
        "trainer.evaluate_on=[train]",
        "trainer.monitor=null",
        "tracking.wandb.enabled=false",
        "tracking.tensorboard=false",
        f"model.hidden=[{','.join(map(str, task.sizes[1:-1]))}]",
        "model.activation=relu",
        f"model/optimizer={optimizer}",
        *([] if by_hand else [f"+optimizer={name}"]),
        *([] if by_hand or optimizer != "momentum" else ["optimizer.momentum=0.9"]),
    ]
    config = compose_experiment(CHAPTER, "digits", overrides, ModelConfig)
    with tempfile.TemporaryDirectory() as scratch, contextlib.redirect_stderr(io.StringIO()):
        run = Run(CHAPTER, config, Path(scratch), Options(save_checkpoint=False))
        with contextlib.redirect_stdout(io.StringIO()):
            trainer = Trainer(run)
            model = MLP(config.model, task.sizes[0], task.sizes[-1]) if by_hand else TorchMLP(task.sizes)
            trainer.prepare(model, random_splits(task)).train()
        rows: list[dict[str, Any]] = read_rows(run.folders.logs / "metrics.jsonl")
    rate = max(row["speed/examples_per_second"] for row in rows if "speed/examples_per_second" in row)
    return 1e6 * task.batch_size / rate


def random_splits(task: Task) -> Splits:
    """Noise in the shape of a data set: the time of a step does not depend on what is learned."""
    generator = torch.Generator().manual_seed(0)
    n, (features, *_, classes) = 100 * task.batch_size, task.sizes
    inputs = torch.randn(n, features, generator=generator)
    train = TensorSplit(inputs, torch.randint(classes, (n,), generator=generator))
    names = tuple(str(label) for label in range(classes))
    return Splits("noise", train, None, None, {"train": torch.arange(n)}, names, (), (), (features,), "0" * 16)


if __name__ == "__main__":
    sys.exit(main())
