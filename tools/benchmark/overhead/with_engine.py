"""Our trainer."""

import copy
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from work import Work

from data_utils.batches import Batch, replica_epoch
from data_utils.splits import Splits, TensorSplit
from engine import Run, Trainer
from engine.config import ExperimentConfig
from engine.fast import stack
from engine.fast.ensemble import train_together
from engine.runs.run import Options
from experiment.compose import compose_experiment
from experiment.training import train
from utils.schema import Strict

CHAPTER = Path(__file__).parent / "chapter"
RECORD_ONLY = ("tracking.wandb.enabled=false", "tracking.tensorboard=false")


class ModelConfig(Strict):
    """The model comes ready made."""


class Model(nn.Module):
    """The network and its loss, as the engine wants them."""

    def __init__(self, network: nn.Module, criterion: nn.Module) -> None:
        super().__init__()
        self.network, self.criterion = network, criterion

    def training_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        """The loss of a batch."""
        inputs, targets = batch
        return {"loss": self.criterion(self.network(inputs), targets)}


def defaults(work: Work) -> None:
    """Everything that is on without being asked for: the record, TensorBoard, wandb (offline), checkpoints."""
    _train(work)


def record_only(work: Work) -> None:
    """Without trackers (`--no-wandb`, `tracking.tensorboard=false`)."""
    _train(work, *RECORD_ONLY)


def compiled_steps(work: Work) -> None:
    """The record only, and several steps in one graph."""
    _train_compiled(work, "steps")


def compiled_model(work: Work) -> None:
    """The record only, and `training_step` compiled."""
    _train_compiled(work, "model")


def eight_seeds(work: Work) -> None:
    """The record only, of eight runs that train together; a step is one of all eight."""
    _train_seeds(work, "none")


def eight_seeds_compiled(work: Work) -> None:
    """The same, with several steps in one graph."""
    _train_seeds(work, "steps")


class _Clocked(Trainer):
    """Reads the clock where the batches of an epoch begin: inside a network that is compiled it would be in the way."""

    def __init__(self, run: Run, work: Work) -> None:
        super().__init__(run)
        self._work = work

    def begin(self) -> Iterator[list[Batch]]:
        """Begin, with the clock in place; an epoch that was looked into before does not count."""
        self._work.probe.reset()
        batches = self.learner.batches
        batches.epoch = _watched(batches.epoch, self._work)  # type: ignore[method-assign]
        return super().begin()


def _watched(epoch: Callable[..., Iterator[Batch]], work: Work) -> Callable[..., Iterator[Batch]]:
    def watched(*arguments: Any, **options: Any) -> Iterator[Batch]:
        work.probe.epoch()
        return epoch(*arguments, **options)

    return watched


def _train_compiled(work: Work, how: str) -> None:
    config = _config(work, *RECORD_ONLY, f"trainer.compile={how}")
    with tempfile.TemporaryDirectory() as outputs:
        trainer = _Clocked(Run(CHAPTER, config, Path(outputs), Options()), work)
        train(trainer.prepare(Model(work.network.layers, work.criterion), _splits(work)))


def _train_seeds(work: Work, how: str) -> None:
    stack.replica_epoch = _watched(replica_epoch, work)

    def prepared(seed: int) -> Trainer:
        config = _config(work, *RECORD_ONLY, f"trainer.compile={how}", f"seed={seed}")
        run = Run(CHAPTER, config, Path(outputs), Options())
        trainer = _Clocked(run, work) if seed == 0 else Trainer(run)
        layers = copy.deepcopy(work.network.layers) if seed else work.network.layers
        return trainer.prepare(Model(layers, work.criterion), _splits(work))

    with tempfile.TemporaryDirectory() as outputs:
        train_together(prepared(seed) for seed in range(8))


def _train(work: Work, *overrides: str) -> None:
    os.environ["WANDB_MODE"] = "offline"
    config = _config(work, *overrides)
    with tempfile.TemporaryDirectory() as outputs:
        trainer = Trainer(Run(CHAPTER, config, Path(outputs), Options()))
        trainer.prepare(Model(work.network, work.criterion), _splits(work)).train()


def _config(work: Work, *overrides: str) -> ExperimentConfig[ModelConfig]:
    task = work.task
    return compose_experiment(
        CHAPTER,
        "work",
        [
            f"trainer.duration='{work.epochs} epochs'",
            f"trainer.batch_size={task.batch}",
            f"optimizer={task.optimizer}",
            *(f"optimizer.{name}={value}" for name, value in work.optimizer_settings.items()),
            f"hardware.threads={torch.get_num_threads()}",
            *overrides,
        ],
        ModelConfig,
    )


def _splits(work: Work) -> Splits:
    return Splits(
        name="work",
        train=TensorSplit(work.inputs, work.targets),  # targets as the loss wants them, class indices or not
        validation=None,
        test=None,
        indices={},
        class_names=(),
        target_names=(),
        feature_names=(),
        input_shape=tuple(work.inputs.shape[1:]),
        fingerprint="",
    )


LOOPS = {
    "defaults": defaults,
    "record_only": record_only,
    "compiled_steps": compiled_steps,
    "compiled_model": compiled_model,
    "eight_seeds": eight_seeds,
    "eight_seeds_compiled": eight_seeds_compiled,
}
