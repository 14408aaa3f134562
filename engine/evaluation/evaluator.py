"""Measures a model with fixed weights on a split."""

import copy
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from data_utils.batches import count, in_order, shard_of
from data_utils.splits import Splits, TensorSplit
from engine.device.fsdp import unsharded
from engine.device.hardware import Hardware
from engine.device.world import World
from engine.loop.learner import Learner
from utils.errors import InputError, did_you_mean
from utils.seeds import random_state, restore_random_state


@dataclass(frozen=True)
class Evaluation:
    """What was measured: means over the split, and every prediction in the split's order."""

    metrics: dict[str, float]
    predictions: Tensor
    targets: Tensor


# A metric that is a mean over examples: predictions and targets of a batch to one value for each example.
_MEANS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "accuracy": lambda predictions, targets: predictions == targets,
    "error": lambda predictions, targets: predictions != targets,
    "mse": lambda predictions, targets: (predictions.double() - targets.double()).square(),
    "mae": lambda predictions, targets: (predictions.double() - targets.double()).abs(),
}
_OF_CLASSES = ("accuracy", "error")


class Evaluator:
    """Runs a model's `evaluation_step` over a split.

    Args:
        hardware: Where to compute.
        metrics: Names of means over examples (accuracy, error, mse, mae), or of torchmetrics classes in snake_case
            (f1_score, r2_score).
        batch_size: Examples in one forward pass; it does not change the result beyond rounding.
        n_classes: 0 where the targets are numbers.
        world: The ranks that share each batch; they have to evaluate together, and all of them get the result.

    Raises:
        InputError: There is no such metric, or it counts classes and there are none.
    """

    def __init__(
        self,
        hardware: Hardware,
        metrics: Sequence[str],
        batch_size: int,
        n_classes: int,
        world: World | None = None,
    ) -> None:
        self.hardware, self.batch_size, self.world = hardware, batch_size, world or World()
        if n_classes == 0 and (names := [name for name in metrics if name in _OF_CLASSES]):
            raise _needs_classes(names[0])
        self.means = {name: _MEANS[name] for name in metrics if name in _MEANS}
        self.collected = {name: _from_torchmetrics(name, n_classes) for name in metrics if name not in _MEANS}

    def alone(self) -> "Evaluator":
        """The same for one rank by itself."""
        alone = copy.copy(self)
        alone.world = World()
        return alone

    def evaluate(
        self, model: nn.Module, split: TensorSplit, between_batches: Callable[[], None] = lambda: None
    ) -> Evaluation:
        """Evaluate `model` on `split`.

        Args:
            model: Has `evaluation_step(batch)` that returns "predictions", "targets" and, if it has one, "loss" and
                other means over the batch.
            split: The examples.
            between_batches: Called before each batch; what it raises ends the evaluation.

        Returns:
            Sums are weighted by the examples of each batch and kept in float64, so the batch size does not matter.
        """
        sums: dict[str, float] = {}
        predictions, targets = [], []
        with undisturbed(model), torch.no_grad():
            for batch in in_order(split, self.batch_size, self.hardware.device):
                between_batches()
                batch = shard_of(batch, self.world.rank, self.world.size)
                with self.hardware.autocast():
                    output: dict[str, Tensor] = model.evaluation_step(batch)  # type: ignore[operator]
                predicted, target = output.pop("predictions").cpu(), output.pop("targets").cpu()
                self._check_shapes(predicted, target)
                if count(batch) == 0:  # what was evaluated is another rank's
                    predictions.append(predicted[:0])
                    targets.append(target[:0])
                    continue
                predictions.append(predicted)
                targets.append(target)
                totals = {name: float(value) * len(target) for name, value in output.items()}
                totals |= {name: float(_total(mean(predicted, target))) for name, mean in self.means.items()}
                for name, total in totals.items():
                    sums[name] = sums.get(name, 0.0) + total
        every_sum = self.world.gather(sums)
        all_predictions = _in_order(self.world.gather(predictions))
        all_targets = _in_order(self.world.gather(targets))
        names = dict.fromkeys(name for found in every_sum for name in found)
        metrics = {name: sum(found.get(name, 0.0) for found in every_sum) / len(all_targets) for name in names}
        for name, metric in self.collected.items():
            metrics[name] = metric(all_predictions, all_targets)
        return Evaluation(metrics, all_predictions, all_targets)

    def evaluate_splits(
        self,
        learner: Learner,
        splits: Splits,
        names: Sequence[str],
        between_batches: Callable[[], None] = lambda: None,
    ) -> dict[str, float]:
        """What an evaluation in the middle of a training says, the same on all ranks.

        Args:
            learner: Its model is evaluated with the weights to use it with.
            splits: The examples.
            names: On which of the splits.
            between_batches: Called before each batch; what it raises ends the evaluation.

        Returns:
            By names such as `train/loss`, and `model/weight_norm` for what the model says of itself.
        """
        metrics: dict[str, float] = {}
        with learner.averaged():
            for name in names:
                evaluation = self.evaluate(learner.model, splits.split(name), between_batches)
                metrics |= {f"{name}/{metric}": value for metric, value in evaluation.metrics.items()}
        metrics |= _model_measures(learner.model)
        return self.world.from_main(lambda: metrics)

    def _check_shapes(self, predictions: Tensor, targets: Tensor) -> None:
        """Refuse what torch would broadcast."""
        if self.means and predictions.shape != targets.shape:
            raise InputError(
                f"metric '{next(iter(self.means))}' in trainer.metrics compares one by one, but this model gives "
                f"predictions of shape {list(predictions.shape)} for targets of shape {list(targets.shape)}"
            )


def _model_measures(model: nn.Module) -> dict[str, float]:
    """What a model says about its state, by names such as `model/weight_norm`; ranks call this together."""
    if not hasattr(model, "measures"):
        return {}
    with unsharded(model):
        measures: dict[str, float] = model.measures()  # type: ignore[operator]
    return {f"model/{name}": float(value) for name, value in measures.items()}


def _in_order(parts: Sequence[Sequence[Tensor]]) -> Tensor:
    """The parts of each batch, which the ranks hold, as one tensor in the order of the split."""
    return torch.cat([part for batch in zip(*parts, strict=True) for part in batch])


def _total(values: Tensor) -> Tensor:
    """The sum over examples of what each one's values are on average; exact where the values are counts."""
    return values.double().sum() * len(values) / values.numel()


def _needs_classes(name: str) -> InputError:
    return InputError(
        f"metric '{name}' in trainer.metrics is for classes, but the targets of this data set are numbers; "
        "take mse or mae"
    )


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, with the training's random draws and mode as they were afterwards."""
    state, modes = random_state(), {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training
        restore_random_state(state)


def _from_torchmetrics(name: str, n_classes: int) -> Callable[[Tensor, Tensor], float]:
    try:  # costs more than importing torch: only for an experiment that names one of its metrics
        from torchmetrics import classification, regression
    except ImportError:
        raise InputError(
            f"unknown metric '{name}' in trainer.metrics{did_you_mean(name, _MEANS)}; known: {', '.join(_MEANS)}, "
            "and those of torchmetrics where that is installed"
        ) from None
    known = {_snake_case(each): getattr(kind, each) for kind in (classification, regression) for each in kind.__all__}
    if name not in known:
        choices = known.keys() | _MEANS.keys()
        raise InputError(f"unknown metric '{name}' in trainer.metrics{did_you_mean(name, choices)}")
    if n_classes == 0 and not hasattr(regression, known[name].__name__):
        raise _needs_classes(name)
    metric = _with_defaults(known[name], n_classes)
    if metric is None:
        raise InputError(f"metric '{name}' in trainer.metrics needs settings of its own, which cannot be given")

    def measure(predictions: Tensor, targets: Tensor) -> float:
        try:
            return float(metric(predictions, targets))
        except (TypeError, ValueError, RuntimeError) as error:
            reason = str(error).partition("\n")[0]
            raise InputError(f"metric '{name}' cannot be measured on this model's predictions: {reason}") from None
        finally:
            metric.reset()  # or it would keep every prediction ever made

    return measure


def _with_defaults(kind: Any, n_classes: int) -> Any:
    """A metric of classification over `n_classes`, each class counting alike, or of anything else as it comes."""
    classes = {"task": "multiclass", "num_classes": n_classes}
    for arguments in ({**classes, "average": "macro"}, classes, {}):
        with suppress(TypeError, ValueError):  # those that do not know an argument, or lack one
            return kind(**arguments)
    return None


def _snake_case(name: str) -> str:
    return re.sub("(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
