"""What learns: a model and everything that changes it. It knows no files, no record and no clock."""

import logging
from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, nn
from torch.utils.data import Dataset, Subset

from data_utils.batches import Batch, Batches, epoch_order
from data_utils.splits import Splits, TensorSplit
from engine.config import ExperimentConfig
from engine.device.fsdp import shard_model
from engine.device.hardware import Hardware
from engine.device.world import World
from engine.loop.compile import compile_model
from engine.loop.distributed_step import build_shared_update
from engine.loop.ema import EMA
from engine.loop.lr_schedule import Schedule, schedule
from engine.loop.optimizers import build_optimizers
from engine.loop.plan import Plan
from engine.loop.step import Outputs, Update
from utils.errors import InputError
from utils.seeds import derived_seed, restore_random_state, seed_everything

log = logging.getLogger(__name__)


@dataclass
class Position:
    """Where a training stands: plain data, saved with every checkpoint."""

    step: int = 0
    evaluated_at: int = -1
    """The step of the last evaluation."""
    latest: dict[str, float] = field(default_factory=dict)
    """What that evaluation measured."""
    recorded_bytes: int = 0
    """The size of `metrics.jsonl` at the last checkpoint."""
    random: list[dict[str, Any]] | None = None
    """The state of each rank's generators at the last checkpoint; None before the first one."""

    def state_dict(self) -> dict[str, Any]:
        """Its entries in a checkpoint."""
        random: list[Any] = [*self.random] if self.random else [None]
        return {
            "step": self.step,
            "evaluated_at": self.evaluated_at,
            "latest": self.latest,
            "recorded_bytes": self.recorded_bytes,
            "random": random[0],
            "random_of_other_ranks": random[1:],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from the entries of a checkpoint."""
        self.step, self.evaluated_at = state["step"], state["evaluated_at"]
        self.latest, self.recorded_bytes = state["latest"], state["recorded_bytes"]
        states = [state["random"], *state["random_of_other_ranks"]]
        self.random = states if states[0] is not None else None


@dataclass
class Learner:
    """A model, and everything that changes it.

    Attributes:
        model: On its device; each rank has its part where it is sharded.
        splits: What it is evaluated on.
        few: Which examples of the training split `splits` has, with `trainer.overfit_batches`; None for all of them.
        batches: What it learns from.
        plan: What is due after which step.
        optimizers: By name: "all", one for each named submodule, or none.
        train_step: One update of the weights.
        lr: The factor on every learning rate, a function of the step.
        ema: The moving average of the weights, where there is one.
        hardware: Where it computes.
        world: The ranks that train it together.
    """

    model: nn.Module
    splits: Splits
    few: Tensor | None
    batches: Batches
    plan: Plan
    optimizers: dict[str, torch.optim.Optimizer]
    train_step: Update
    lr: Schedule
    ema: EMA | None
    hardware: Hardware
    world: World

    @classmethod
    def of(
        cls,
        config: ExperimentConfig,
        model: nn.Module,
        splits: Splits,
        train: Dataset[Any] | None,
        hardware: Hardware,
        world: World,
    ) -> "Learner":
        """Put the parts together for `model`.

        Args:
            config: The experiment.
            model: Moved to the device, and sharded or compiled where the config asks for it.
            splits: All examples.
            train: What batches come from instead of `splits.train`, such as its examples augmented.
            hardware: Where to compute.
            world: The ranks that train together.

        Raises:
            InputError: The config, the data and the model do not fit together.
        """
        trainer, device = config.trainer, hardware.device
        splits, data, few = data_to_train_on(splits, train, config)
        for name in trainer.evaluate_on:
            splits.split(name)  # complains
        model.to(device).train()
        shard_model(model, config, world)
        batches = Batches(data, trainer.batch_size, config.seed, device, trainer.workers, world.rank, world.size)
        plan = Plan.of(trainer, len(batches))
        lr = schedule(config.scheduler, plan.total, plan.steps)
        compile_model(model, trainer.compile, world)
        optimizers = build_optimizers(config, model)
        train_step = build_shared_update(config, model, optimizers, hardware, world)
        ema = EMA(model, trainer.ema_decay) if trainer.ema_decay else None
        return cls(model, splits, few, batches, plan, optimizers, train_step, lr, ema, hardware, world)

    def seed(self, position: Position, seed: int) -> None:
        """From here on every draw depends on the seed, the step and the rank, whatever was drawn before.

        Args:
            position: Where the training stands; a rank that it has no generators of is seeded for its step.
            seed: The run's seed.
        """
        rank, states = self.world.rank, position.random or []
        if rank < len(states):
            restore_random_state(states[rank])
        elif rank == 0:
            seed_everything(derived_seed(seed, "training"))
        else:
            seed_everything(derived_seed(seed, "training", rank, position.step))

    def steps_from(self, step: int) -> Generator[list[Batch], None, None]:
        """The batches of each step after `step` steps, without end; to close this ends the processes that read."""
        return self.batches.steps(*self.plan.epoch_and_step(step), self.plan.accumulate)

    def step(self, batches: Sequence[Batch], step: int, want_norm: bool) -> list[Outputs]:
        """Take step number `step` (from 0).

        Args:
            batches: The forward passes of this step.
            step: How many steps were taken before.
            want_norm: Measure the gradient's norm even where nothing is clipped.

        Returns:
            What the model reported for each batch; see `GradientStep.__call__`.
        """
        outputs = self.train_step(batches, self.lr(step), want_norm)
        if self.ema is not None:
            self.ema.update(step)
        return outputs

    def averaged(self) -> AbstractContextManager[None]:
        """Within this, the model has the weights to use it with: their moving average where one is kept."""
        return self.ema.applied() if self.ema else nullcontext()

    def state_dict(self) -> dict[str, Any]:
        """Its entries in a checkpoint; the tensors are its own."""
        return {
            "model": self.model.state_dict(),
            "average": self.ema.state_dict() if self.ema else None,
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
            "scaler": self.hardware.scaler.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from the entries of a checkpoint."""
        self.model.load_state_dict(state["model"])
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        if self.ema is not None:
            self.ema.load_state_dict(state["average"])
        self.hardware.scaler.load_state_dict(state["scaler"])


def data_to_train_on(
    splits: Splits, train: Dataset[Any] | None, config: ExperimentConfig
) -> tuple[Splits, TensorSplit | Dataset[Any], Int[Tensor, " few"] | None]:
    """`splits` and the training examples, or with `trainer.overfit_batches` only those of the first batches of epoch 0.

    The last value says which examples of the training split these few are; None where all are there.

    The validation split, where there is one, is then those examples too: what is asked is whether the model learns
    them by heart, and the monitored metric should say so.

    Args:
        splits: All examples.
        train: What batches come from instead of `splits.train`, such as its examples augmented.
        config: Says how many batches.

    Raises:
        InputError: An epoch has fewer batches than that, or `train` has other examples than `splits.train`.
    """
    wanted, size, n = config.trainer.overfit_batches, config.trainer.batch_size, len(splits.train)
    if wanted is None:
        return splits, splits.train if train is None else train, None
    if wanted > (there_are := -(-n // size)):
        raise InputError(f"trainer.overfit_batches is {wanted}, but an epoch has only {there_are} batches of {size}")
    if train is not None and len(train) != n:  # type: ignore[arg-type]  # map-style datasets have a length
        raise InputError("trainer.overfit_batches needs a training example for each one of the training split")
    chosen = epoch_order(n, config.seed, 0)[: wanted * size]
    few = TensorSplit(splits.train.inputs[chosen], splits.train.targets[chosen])
    log.info("overfitting on purpose: training and evaluation see the same %d examples and no others", len(few))
    splits = replace(splits, train=few, validation=few if splits.validation is not None else None)
    return splits, few if train is None else Subset(train, chosen.tolist()), chosen
