"""The Trainer of Hugging Face."""

import tempfile
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Trainer, TrainingArguments
from work import Work


class Model(nn.Module):
    """The network and its loss, as this trainer wants them."""

    def __init__(self, work: Work) -> None:
        super().__init__()
        self.network, self.criterion = work.network, work.criterion

    def forward(self, inputs: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Loss and scores."""
        scores = self.network(inputs)
        return {"loss": self.criterion(scores, labels), "logits": scores}


class Examples(torch.utils.data.Dataset[dict[str, Tensor]]):
    """Examples by name."""

    def __init__(self, work: Work) -> None:
        self.inputs, self.targets = work.inputs, work.targets

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {"inputs": self.inputs[index], "labels": self.targets[index]}


def defaults(work: Work) -> None:
    """As constructed: a log line and a checkpoint every 500 steps, progress bar, clipping at 1."""
    _train(work)


def all_off(work: Work) -> None:
    """Everything off that can be."""
    _train(work, save_strategy="no", logging_strategy="no", disable_tqdm=True, max_grad_norm=0.0)


def _train(work: Work, **options: Any) -> None:
    optimizer = work.optimizer()
    constant = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            num_train_epochs=work.epochs,
            per_device_train_batch_size=work.task.batch,
            use_cpu=True,
            report_to="none",
            dataloader_pin_memory=False,
            **options,
        )
        Trainer(
            model=Model(work), args=arguments, train_dataset=Examples(work), optimizers=(optimizer, constant)
        ).train()


LOOPS = {"defaults": defaults, "all_off": all_off}
