"""Our trainer."""

import os
import tempfile
from pathlib import Path

import torch
from torch import Tensor, nn
from work import Probed, Work

from cli.compose import compose_experiment
from data_utils.splits import Splits, TensorSplit
from engine import Run, Trainer
from engine.run import Options
from utils.schema import Strict

CHAPTER = Path(__file__).parent / "chapter"


class ModelConfig(Strict):
    """The model comes ready made."""


class Model(nn.Module):
    """The network and its loss, as the engine wants them."""

    def __init__(self, network: Probed, criterion: nn.Module) -> None:
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
    _train(work, "tracking.wandb.enabled=false", "tracking.tensorboard=false")


def _train(work: Work, *overrides: str) -> None:
    task = work.task
    config = compose_experiment(
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
    train = TensorSplit(work.inputs, work.targets)  # targets as the loss wants them, class indices or not
    splits = Splits(
        name="work",
        train=train,
        validation=None,
        test=None,
        indices={},
        class_names=(),
        target_names=(),
        feature_names=(),
        input_shape=tuple(work.inputs.shape[1:]),
        fingerprint="",
    )
    os.environ["WANDB_MODE"] = "offline"
    with tempfile.TemporaryDirectory() as outputs:
        Trainer(Run(CHAPTER, config, Path(outputs), Options())).fit(Model(work.network, work.criterion), splits)


LOOPS = {"defaults": defaults, "record_only": record_only}
