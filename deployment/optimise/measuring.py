"""What a form of a model costs, and how good its answers are, each measured in the same way."""

import io
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from data_utils import load
from data_utils.config import DataConfig
from data_utils.sections import Images, Regression
from data_utils.splits import TensorSplit
from engine.config import ExperimentConfig
from engine.device.hardware import Hardware
from engine.evaluation.evaluator import Evaluation, Evaluator
from inference.answers import PredictOptions
from inference.predictor import Predictor

Outputs = dict[str, Shaped[Tensor, "batch *rest"]]

_WARM_UP = 3  # rounds: the first calls allocate and choose kernels


@dataclass(frozen=True)
class Form:
    """A model in one form.

    Attributes:
        name: What is said of it in tables.
        file: What of it lies on a disk.
        ask: From raw inputs, float32 [batch, *shape], to its outputs.
    """

    name: str
    file: bytes
    ask: Callable[[Tensor], Outputs]


@dataclass(frozen=True)
class Measured:
    """What a form came to."""

    name: str
    bytes: int
    compressed: int
    """Bytes after zlib at its best."""
    milliseconds: dict[int, float]
    """Batch size to the median time of an answer."""
    value: float
    """Of the task's metric."""


class Task:
    """The examples that forms of one model are measured on, in the units of their source.

    Attributes:
        split: Its name: test where there is one, else validation, else train.
        metric: What the run monitored where answers can tell it, else accuracy, or mse of numbers.
    """

    def __init__(self, predictor: Predictor) -> None:
        config = predictor.config
        splits = load(_unprepared(config.data))
        names = {"test": splits.test, "validation": splits.validation, "train": splits.train}
        self.split, self.examples = next((name, split) for name, split in names.items() if split is not None)
        self.metric = _metric(config, splits.n_classes)
        cpu = config.hardware.model_copy(update={"device": "cpu", "precision": "fp32"})
        batch_size = config.trainer.batch_size
        self._evaluator = Evaluator(Hardware(cpu), (self.metric,), batch_size, splits.n_classes)
        self._predictor = predictor

    def value(self, ask: Callable[[Tensor], Outputs]) -> float:
        """The metric of the answers of `ask` to all examples."""
        return self._evaluate(ask).metrics[self.metric]

    def changed(self, ask: Callable[[Tensor], Outputs], other: Callable[[Tensor], Outputs]) -> int:
        """How many examples `ask` and `other` give different classes."""
        return int((self._evaluate(ask).predictions != self._evaluate(other).predictions).sum())

    def measure(self, forms: Sequence[Form], batches: Sequence[int], rounds: int, seconds: float) -> list[Measured]:
        """Size, speed with one thread, and quality of each of `forms`."""
        torch.set_num_threads(1)
        times = [median_times(forms, first(self.examples, size), rounds, seconds) for size in batches]
        return [
            Measured(
                name=form.name,
                bytes=len(form.file),
                compressed=len(zlib.compress(form.file, 9)),
                milliseconds={size: found[form.name] for size, found in zip(batches, times, strict=True)},
                value=self.value(form.ask),
            )
            for form in forms
        ]

    def _evaluate(self, ask: Callable[[Tensor], Outputs]) -> Evaluation:
        return self._evaluator.evaluate(_Answering(ask, self._predictor), self.examples)


def torch_form(name: str, predictor: Predictor) -> Form:
    """A model as its checkpoint holds it; of its file the parameters alone, without what a training needs to go on."""
    buffer = io.BytesIO()
    torch.save({name: each.detach() for name, each in predictor.pipeline.model.named_parameters()}, buffer)
    return Form(name, buffer.getvalue(), torch.inference_mode()(predictor.pipeline))


def first(examples: TensorSplit, size: int) -> Float[Tensor, "batch *shape"]:
    """The first `size` inputs, again from the start where there are fewer."""
    return examples.inputs[torch.arange(size) % len(examples)]


def median_times(
    forms: Sequence[Form], x: Float[Tensor, "batch *shape"], rounds: int, seconds: float
) -> Mapping[str, float]:
    """Milliseconds that each form takes for `x`: in every round each is asked once, so that all meet the same noise.

    Args:
        forms: The forms.
        x: What they are asked.
        rounds: How often.
        seconds: Fewer rounds where they take longer than that together; one at least.
    """
    times: dict[str, list[float]] = {form.name: [] for form in forms}
    began = time.perf_counter()
    for number in range(_WARM_UP + rounds):
        if number > _WARM_UP and time.perf_counter() - began > seconds:
            break
        for form in forms:
            started = time.perf_counter()
            form.ask(x)
            times[form.name].append(1e3 * (time.perf_counter() - started))
    return {name: median(values[_WARM_UP:]) for name, values in times.items()}


class _Answering(nn.Module):
    """A form as the evaluator asks a model: what it predicts is what its answers say."""

    def __init__(self, ask: Callable[[Tensor], Outputs], predictor: Predictor) -> None:
        super().__init__()
        self.ask, self.predictor = ask, predictor

    def evaluation_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        """Answer a batch."""
        x, targets = batch
        answers: Sequence[Any] = self.predictor.answers(self.ask(x), PredictOptions())
        data = self.predictor.data
        if data.n_classes:
            predictions = torch.tensor([data.class_names.index(answer.label) for answer in answers])
        else:
            predictions = torch.tensor([[answer.values[name] for name in data.target_names] for answer in answers])
        return {"predictions": predictions, "targets": targets}


def _unprepared(config: DataConfig) -> DataConfig:
    """The same examples as the source has them: preparing them is a part of what is measured."""
    changes: dict[str, Any] = {"standardize": False}
    if isinstance(config, Images):
        changes["permute_pixels"] = None
    if isinstance(config, Regression):
        changes["standardize_targets"] = False
    return config.model_copy(update=changes)


def _metric(config: ExperimentConfig[Any], n_classes: int) -> str:
    monitored = config.trainer.monitor.metric.rpartition("/")[2] if config.trainer.monitor else ""
    if monitored in config.trainer.metrics:
        return monitored
    return "accuracy" if n_classes else "mse"
