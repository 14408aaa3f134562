"""Lightning and Fabric."""

import logging
import tempfile
import warnings
from typing import Any

import lightning
import torch
from lightning.fabric import Fabric
from torch import Tensor
from work import Work

warnings.filterwarnings("ignore")
for name in ("lightning.pytorch", "lightning.fabric"):
    logging.getLogger(name).setLevel(logging.ERROR)


class Module(lightning.LightningModule):
    """The network and its loss, as Lightning wants them."""

    def __init__(self, work: Work, logs: bool) -> None:
        super().__init__()
        self.network, self.criterion, self.work, self.logs = work.network, work.criterion, work, logs

    def training_step(self, batch: list[Tensor], index: int) -> Tensor:
        """The loss of a batch, logged as in Lightning's own introduction."""
        inputs, targets = batch
        loss: Tensor = self.criterion(self.network(inputs), targets)
        if self.logs:
            self.log("train_loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The task's optimizer."""
        return self.work.optimizer()


def defaults(work: Work) -> None:
    """A trainer as it is constructed: progress bar, TensorBoard, checkpoint each epoch."""
    with tempfile.TemporaryDirectory() as folder:
        _fit(work, logs=True, default_root_dir=folder)


def all_off(work: Work) -> None:
    """Everything off that can be."""
    off = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
    _fit(work, logs=False, **dict.fromkeys(off, False))


def barebones(work: Work) -> None:
    """Its mode for measuring its own overhead."""
    _fit(work, logs=False, barebones=True)


def _fit(work: Work, logs: bool, **options: Any) -> None:
    trainer = lightning.Trainer(max_epochs=work.epochs, accelerator="cpu", devices=1, **options)
    trainer.fit(Module(work, logs), work.loader())


def fabric(work: Work) -> None:
    """A loop by hand around what Fabric sets up; it logs nothing."""
    fabric = Fabric(accelerator="cpu", devices=1)
    fabric.launch()
    network, optimizer = fabric.setup(work.network, work.optimizer())
    loader = fabric.setup_dataloaders(work.loader())
    for _ in range(work.epochs):
        for inputs, targets in loader:
            loss = work.criterion(network(inputs), targets)
            fabric.backward(loss)
            optimizer.step()
            optimizer.zero_grad()


LOOPS = {"defaults": defaults, "all_off": all_off, "barebones": barebones, "fabric": fabric}
