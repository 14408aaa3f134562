"""A chapter's model under Lightning's Trainer, with the losses that our own Trainer has.

    module = ChapterModule(config, lambda: Network(config.model, splits.n_features, splits.n_classes), splits)
    lightning.Trainer(**trainer_options(config)).fit(module)

Ours are the first weights, the order of the examples, the optimizers, the learning rate and when to stop. Lightning's
are the loop, the backward pass, the device, the precision, clipping and accumulation; see docs/lightning.md.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from data_utils.batches import Batch, Batches, in_order
from data_utils.splits import Splits
from engine.config import ExperimentConfig
from engine.device.hardware import Hardware
from engine.loop.lr_schedule import schedule
from engine.loop.optimizers import build_optimizers
from engine.loop.plan import Plan
from engine.loop.step import LearningRates, build_update
from utils.errors import InputError
from utils.seeds import derived_seed, seed_everything

try:
    from lightning.pytorch import LightningModule
except ModuleNotFoundError:
    raise InputError("Lightning is not installed: pip install 'ai-from-scratch-to-scale[lightning]'") from None

_CPU = torch.device("cpu")
_PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}
_ACCELERATORS = {"cuda": "gpu"}


def trainer_options(config: ExperimentConfig) -> dict[str, Any]:
    """What the config says of what Lightning does, as arguments of its `Trainer`; the module says when to stop."""
    return {
        "max_epochs": -1,
        "accumulate_grad_batches": config.trainer.accumulate,
        "gradient_clip_val": config.trainer.clip_norm,
        "precision": _PRECISIONS[config.hardware.precision],
        "accelerator": _ACCELERATORS.get(config.hardware.device, config.hardware.device),
        "devices": 1,
        "num_sanity_val_steps": 0,
        "limit_val_batches": 1.0 if config.data.validation else 0,
    }


class ChapterModule(LightningModule):
    """A chapter's model, its data and its config as Lightning wants them.

    Args:
        config: The experiment.
        build: Makes the model; called once the generators are seeded.
        splits: The data.

    Raises:
        InputError: The config asks for what our own Trainer refuses for this model.
    """

    def __init__(self, config: ExperimentConfig, build: Callable[[], nn.Module], splits: Splits) -> None:
        super().__init__()
        self.config, self.splits = config, splits
        seed_everything(derived_seed(config.seed, "model"))
        self.model = build()
        self.automatic_optimization = getattr(self.model, "automatic_optimization", True)
        build_update(config, self.model, build_optimizers(config, self.model), Hardware(config.hardware))  # complains
        trainer = config.trainer
        self.batches = Batches(splits.train, trainer.batch_size, config.seed, _CPU, trainer.workers)
        self.plan = Plan.of(trainer, len(self.batches))
        self.rate = schedule(config.scheduler, self.plan.total, self.plan.steps)

    def train_dataloader(self) -> "_Batches":
        """Every epoch in the order that follows from the seed."""
        return _Batches(len(self.batches), lambda: self.batches.epoch(self.current_epoch))

    def val_dataloader(self) -> "_Batches | list[Any]":
        """The validation split, or nothing."""
        validation, size = self.splits.validation, self.config.trainer.batch_size
        if validation is None:
            return []
        return _Batches(-(-len(validation) // size), lambda: iter(in_order(validation, size, _CPU)))

    def configure_optimizers(self) -> Any:
        """Those of the config; of a model without its own rule with the schedule, step by step."""
        self._named = build_optimizers(self.config, self.model)
        if not self.automatic_optimization:
            self._rates = [LearningRates(optimizer) for optimizer in self._named.values()]
            return list(self._named.values())
        (optimizer,) = self._named.values()
        factor = torch.optim.lr_scheduler.LambdaLR(optimizer, self.rate)
        return [optimizer], [{"scheduler": factor, "interval": "step"}]

    def on_train_start(self) -> None:
        """Every draw from here on depends on the seed alone."""
        seed_everything(derived_seed(self.config.seed, "training"))

    def training_step(self, batch: Batch, batch_idx: int) -> dict[str, Tensor]:
        """The model's own; it learns in it where it makes its own update."""
        if self.automatic_optimization:
            output = self.model.training_step(batch)  # type: ignore[operator]
        else:
            for rates in self._rates:
                rates.scale(self.rate(self._steps(batch_idx)))
            wrapped = self.optimizers()  # which count their steps for Lightning
            listed = wrapped if isinstance(wrapped, list) else [wrapped]
            optimizers = dict(zip(self._named, listed, strict=True))
            output = self.model.training_step(batch, optimizers)  # type: ignore[operator]
        self.log_dict({f"batch/{name}": value.detach() for name, value in output.items() if name != "items"})
        return output

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """The loss on the validation split, where the model has one."""
        found = self.model.evaluation_step(batch)  # type: ignore[operator]
        if "loss" in found:
            self.log("validation/loss", found["loss"], batch_size=len(batch[0]))

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        """Stop after as many steps as the config says."""
        batches = batch_idx + 1
        ends_a_step = batches % self.config.trainer.accumulate == 0 or batches == len(self.batches)
        if ends_a_step and self._steps(batches) >= self.plan.total:
            self.trainer.should_stop = True

    def _steps(self, batches: int) -> int:
        """Steps begun after so many batches of this epoch."""
        return self.current_epoch * self.plan.steps_per_epoch - (-batches // self.config.trainer.accumulate)


class _Batches:
    """Batches that are read anew each time."""

    def __init__(self, length: int, read: Callable[[], Iterator[Batch]]) -> None:
        self.length, self.read = length, read

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[Batch]:
        return self.read()
