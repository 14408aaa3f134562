"""Pruning by magnitude, and training on with what is left (Han et al. 2015, "Learning both weights and connections").

All parameters of a model compete with each other, biases too: a chapter may keep all of them in one vector. What is
pruned is zero, and stays zero while the chapter's own training goes on, whatever its rule.
"""

import contextlib
import importlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from engine.config import CheckpointConfig, ExperimentConfig
from engine.duration import Duration
from engine.loop.stepper import StepOutputs, Stepper, Steps
from engine.runs.run import Options, Run
from engine.trainer import Trainer
from inference.predictor import Predictor
from utils.errors import InputError

Masks = dict[str, Bool[Tensor, "*shape"]]
"""For each parameter, by name, which of its entries are kept."""


def magnitude_masks(model: nn.Module, sparsity: float) -> Masks:
    """Keep all but the `sparsity` of the entries that are smallest, wherever in the model they are."""
    parameters = _parameters(model)
    magnitudes = [each.abs().flatten().double().cpu() for each in parameters.values()]
    pruned, total = pruned_count(model, sparsity)
    keep = torch.ones(total, dtype=torch.bool)
    # by order and not by a threshold: of equal entries exactly as many go as are asked for
    keep[torch.cat(magnitudes).argsort(stable=True)[:pruned]] = False
    pieces = keep.split([len(each) for each in magnitudes])
    each_with_its_own = zip(parameters.items(), pieces, strict=True)
    return {name: piece.view(each.shape).to(each.device) for (name, each), piece in each_with_its_own}


def pruned_count(model: nn.Module, sparsity: float) -> tuple[int, int]:
    """How many entries of the parameters that is, and how many there are.

    Raises:
        InputError: There are none.
    """
    total = sum(each.numel() for each in _parameters(model).values())
    if total == 0:
        raise InputError("this model has no parameters, so there is nothing to prune")
    return round(sparsity * total), total


@torch.no_grad()
def apply_masks(model: nn.Module, masks: Masks) -> None:
    """Set to zero what is not kept."""
    for name, parameter in _parameters(model).items():
        parameter.mul_(masks[name])


def _parameters(model: nn.Module) -> dict[str, Tensor]:
    return {name: each.detach() for name, each in model.named_parameters() if each.is_floating_point()}


@dataclass(frozen=True)
class MaskedStepper:
    """A stepper after each step of which what was pruned is zero again, whatever rule or optimizer made the step."""

    stepper: Stepper
    model: nn.Module
    masks: Masks

    def __call__(self, steps: Steps, step: int) -> StepOutputs:
        """Take a step, then prune what has grown back."""
        taken = self.stepper(steps, step)
        apply_masks(self.model, self.masks)
        return taken


def pruned_at_once(chapter: Path, checkpoint: Path, sparsity: float) -> Predictor:
    """The model of `checkpoint` pruned and not trained on."""
    predictor = Predictor.from_checkpoint(chapter, str(checkpoint))
    model = predictor.pipeline.model
    apply_masks(model, magnitude_masks(model, sparsity))
    return predictor


def pruned_and_trained(
    predictor: Predictor, checkpoint: Path, sparsity: float, duration: Duration | None, outputs: Path
) -> Run:
    """Prune the model of `checkpoint` and train on by the chapter's own `train.py`, optimizer and data.

    Args:
        predictor: The model as it is.
        checkpoint: Its file.
        sparsity: The fraction to prune.
        duration: How long to train on; None writes the pruned model as it is.
        outputs: Where the run leaves what it leaves.

    Returns:
        A finished run, whose `model_last.pt` is a checkpoint like any other.
    """
    options = Options(load_checkpoint=str(checkpoint.resolve()))
    run = Run(predictor.chapter.folder, _config(predictor.config, sparsity, duration), outputs, options)
    with contextlib.redirect_stdout(io.StringIO()):  # the trainer's report; what matters of it is in the table
        trainer: Trainer = importlib.import_module("train").main(run)
        model = trainer.learner.model
        masks = magnitude_masks(model, sparsity)
        apply_masks(model, masks)
        if duration is None:
            with trainer.session():
                trainer.begin()
        else:
            trainer.stepper = MaskedStepper(trainer.stepper, model, masks)
            trainer.train()
    return run


def _config(config: ExperimentConfig[Any], sparsity: float, duration: Duration | None) -> ExperimentConfig[Any]:
    """The run's own config, but that its last weights are its result, and that nothing looks between its steps."""
    trainer = {
        "duration": duration or config.trainer.duration,
        "monitor": None,
        "early_stopping": None,
        "ema_decay": None,  # an average over weights that were not pruned would not be sparse
        "compile": "none",  # takes several steps at once, and masks belong after each
        "checkpoint": CheckpointConfig(every=None, minutes=None),
    }
    off = {"enabled": False}
    tracking = {
        "wandb": config.tracking.wandb.model_copy(update=off),
        "mlflow": config.tracking.mlflow.model_copy(update=off),
        "tensorboard": False,
    }
    return config.model_copy(
        update={
            "trainer": config.trainer.model_copy(update=trainer),
            "tracking": config.tracking.model_copy(update=tracking),
            "hardware": config.hardware.model_copy(update={"strategy": "none"}),
            "tags": (*config.tags, f"pruned-{sparsity:g}"),
        }
    )
