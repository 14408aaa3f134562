"""The models of several replicas as one: each tensor has a first axis over the replicas, and each model is a row."""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import torch
from torch import Tensor, nn

from data_utils.batches import Batch, replica_epoch
from engine.fast.functional_step import Functional, Tensors, tensors_of
from engine.fast.fx import traced
from engine.loop.ema import EMA
from engine.loop.optimizers import build_optimizers
from engine.loop.step import GradientStep, LearningRates, Outputs
from engine.loop.stepper import EagerStepper, StepOutputs, Stepper
from engine.trainer import Trainer


class Stack:
    """What the trainings of several replicas of a model have in common: the step.

    The weights of each trainer's model, its moving average and its optimizer's state become rows of the stack's
    tensors, so that whatever looks at a trainer (evaluation, checkpoint, plots) sees its replica as if it had trained
    alone.

    Args:
        trainers: Put together, and not begun.
    """

    def __init__(self, trainers: Sequence[Trainer]) -> None:
        self.trainers, self.config = trainers, trainers[0].config
        learners = [trainer.learner for trainer in trainers]
        model = _joined([learner.model for learner in learners])
        self.optimizer = build_optimizers(self.config, model)["all"]
        self.train_step = StackedStep(model, self.optimizer, len(trainers), self.config.trainer.clip_norm)
        ema = None
        if self.config.trainer.ema_decay:
            ema = EMA(model, self.config.trainer.ema_decay)
            for number, learner in enumerate(learners):
                assert learner.ema is not None
                learner.ema.move_to({name: each[number] for name, each in ema.tensors.items()})
        optimizers = {"all": self.optimizer}
        self.learner = replace(learners[0], model=model, optimizers=optimizers, train_step=self.train_step, ema=ema)
        self._state_is_shared = False

    def stepper(self) -> Stepper:
        """How the stack trains: step by step, or in compiled graphs where the config asks for them."""
        one = EagerStepper(self.learner, axis=1)
        if self.config.trainer.compile != "steps":
            return one
        from engine.fast.multi_step import MultiStepper  # loads the compiler, which takes as long as torch

        return MultiStepper.of(self.config, self.learner, self.train_step.rates, one, len(self.trainers))

    def steps(self) -> Iterator[list[Batch]]:
        """The batches of each step, with a first axis over the replicas, each in the order of its own seed."""
        batches = [trainer.learner.batches for trainer in self.trainers]
        return ([batch] for epoch in count() for batch in replica_epoch(batches, epoch))

    def accounts(self, taken: StepOutputs, rate_factor: float) -> list[StepOutputs]:
        """What each replica has to account for, of what all have taken; `rate_factor` is that of the last step."""
        if not self._state_is_shared:
            self._share_state()
        for trainer in self.trainers:
            assert isinstance(trainer.learner.train_step, GradientStep)
            trainer.learner.train_step.rates.scale(rate_factor)  # what its log and checkpoint say
        accounts: list[StepOutputs] = [[] for _ in self.trainers]
        for ((examples, outputs),) in taken:
            for account, values in zip(
                accounts, zip(*(each.unbind() for each in outputs.values()), strict=True), strict=True
            ):
                account.append([(examples, dict(zip(outputs, values, strict=True)))])
        return accounts

    def _share_state(self) -> None:
        """The optimizer has made its state in its first step: give each replica's optimizer its rows."""
        for number, trainer in enumerate(self.trainers):
            (own,), model = trainer.learner.optimizers.values(), trainer.learner.model
            for joined, parameter in zip(self.learner.model.parameters(), model.parameters(), strict=True):
                state = self.optimizer.state.get(joined)
                if state:
                    own.state[parameter] = {key: _row(value, number) for key, value in state.items()}
        self._state_is_shared = True


class StackedStep:
    """`GradientStep` for all replicas of a stack: one forward and backward pass in batched operations, one update.

    The passes are traced once for each shape of batch; what runs is the list of operations that was found.
    """

    def __init__(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, replicas: int, clip_norm: float | None
    ) -> None:
        self.optimizer, self.clip_norm, self.rates = optimizer, clip_norm, LearningRates(optimizer)
        self.functional = Functional(model, replicas)
        self._parameters, self._others = tensors_of(model)
        self._trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self._passes: dict[tuple[torch.Size, ...], Callable[..., Any]] = {}

    def __call__(self, batches: Sequence[Batch], rate_factor: float, want_norm: bool) -> list[Outputs]:
        """Learn from one batch of each replica; outputs have one value for each. See `GradientStep.__call__`."""
        self.rates.scale(rate_factor)
        (batch,) = batches
        with torch.no_grad():
            gradients, outputs, after = self.look(batch)
            if want_norm or self.clip_norm is not None:
                outputs["gradient_norm"] = self.functional.norm(gradients)
            if self.clip_norm is not None:
                gradients = self.functional.clipped(gradients, outputs["gradient_norm"], self.clip_norm)
            for name, parameter in self._trained.items():
                parameter.grad = gradients[name]
            self.optimizer.step()
            for parameter in self._trained.values():
                parameter.grad = None
            for name, value in after.items():
                self._others[name].copy_(value)
        return [outputs]

    def look(self, batch: Batch) -> tuple[Tensors, Outputs, Tensors]:
        """Gradients, outputs and buffers of a step that is not taken."""
        shapes = tuple(part.shape for part in batch)
        passes = self._passes.get(shapes)
        if passes is None:
            passes = self._passes[shapes] = traced(self._differentiate, self._parameters, self._others, batch)
        found: tuple[Tensors, Outputs, Tensors] = passes(self._parameters, self._others, batch)
        return found

    def _differentiate(self, parameters: Tensors, others: Tensors, batch: Batch) -> tuple[Tensors, Outputs, Tensors]:
        gradients, outputs, after = self.functional.gradients(parameters, others, batch)
        return {name: each.contiguous() for name, each in gradients.items()}, outputs, after


def _joined(models: Sequence[nn.Module]) -> nn.Module:
    """A model whose tensors are those of `models`, stacked; theirs become its rows."""
    joined = copy.deepcopy(models[0])
    rows = [_tensors(model) for model in models]
    for name, tensor in _tensors(joined).items():
        stacked = torch.stack([each[name].detach() for each in rows])
        tensor.data = stacked
        for each, row in zip(rows, stacked.unbind(), strict=True):
            each[name].data = row
    return joined


def _tensors(model: nn.Module) -> Tensors:
    return dict(model.named_parameters()) | dict(model.named_buffers())


def _row(value: Any, number: int) -> Any:
    """A replica's part of an optimizer's state; a count of steps is everyone's."""
    return value[number] if isinstance(value, Tensor) and value.dim() else value
