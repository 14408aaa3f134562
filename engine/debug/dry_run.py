"""A rehearsal: one batch through every phase of a run, in memory only (`train.py --dry-run`)."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset, Subset

from data_utils.batches import Batch
from data_utils.splits import Splits, TensorSplit
from engine.checkpoint.content import capture_state
from engine.checkpoint.file import digest
from engine.evaluation.measure import measure
from engine.evaluation.plots import plot_data
from engine.loop.stepper import one_by_one
from engine.runs.metrics_log import NullLog
from engine.runs.text_log import describe_model
from engine.trainer import Trainer
from utils.errors import RunError, ScratchError


def dry_run(trainer: Trainer) -> None:
    """Take one batch through data, model, training step, evaluation, checkpoint and plots; say what was checked.

    No file is written and no tracker is told. The model has made one step afterwards, and is not worth keeping.

    Raises:
        RunError: Something failed that would have failed in the training; the message names the phase.
    """
    trainer.record = NullLog()
    planned = f"{trainer.plan.total} steps of {_examples(trainer)} planned{one_by_one(trainer)}"
    print(f"dry run of {trainer.config.experiment}: {planned}")
    with phase("data"):
        batches = next(trainer.batches.steps(0, 0, trainer.config.trainer.accumulate))
        few = _first_examples(trainer.splits, trainer.config.trainer.batch_size)
        _say("data", ", ".join(_shape(part) for part in batches[0]))
    _say("model", f"{describe_model(trainer.model)}, on {trainer.hardware.describe()}")
    with phase("evaluation"):
        before = measure(trainer, few)
        trainer.best.check(before)
    with phase("training step"):
        row = _step(trainer, batches)
        _say("training step", _figures(row))
    with phase("evaluation"):
        after = measure(trainer, few)
        _say("evaluation", _figures(after))
    with phase("checkpoint"):
        _say("checkpoint", f"{_checkpoint(trainer):,} bytes, read back the same")
    with phase("plots"):
        history = [{"step": 0, "epoch": 0.0, "seconds": 0.0, **before}]
        history.append({"step": 1, "epoch": 1 / trainer.plan.steps_per_epoch, "seconds": 0.0, **row, **after})
        _say("plots", ", ".join(_draw(trainer, few, history)) or "none listed for this experiment")
    print("nothing was written")


def _step(trainer: Trainer, batches: Sequence[Batch]) -> dict[str, float]:
    outputs = trainer.update(batches, trainer.rate(0), want_norm=True)
    for batch, output in zip(batches, outputs, strict=True):
        trainer.window.add(1, len(batch[0]), output)
    if trainer.average is not None:
        trainer.average.update(0)
    trainer.step = 1
    return trainer.window.flush()


def _checkpoint(trainer: Trainer) -> int:
    """The size of a checkpoint that was saved to memory and read from there."""
    content, buffer = capture_state(trainer), io.BytesIO()
    torch.save(content, buffer)
    size = buffer.tell()
    buffer.seek(0)
    if digest(torch.load(buffer, map_location="cpu", weights_only=True)) != digest(content):
        raise RunError("the checkpoint that was read back is not the one that was saved")
    return size


def _draw(trainer: Trainer, few: Splits, history: list[dict[str, Any]]) -> Sequence[str]:
    names = trainer.run.options.plots
    if names:
        import plotting

        split = ("train", *trainer.config.trainer.evaluate_on)[-1]
        available = plot_data(trainer.config, trainer.model, few, split, trainer.evaluator) | {"history": history}
        for name in names:
            plotting.png(plotting.render(name, available))
    return names


def _first_examples(splits: Splits, n: int) -> Splits:
    """`splits` with at most `n` examples each."""
    validation, test = (None if part is None else _head(part, n) for part in (splits.validation, splits.test))
    return replace(splits, train=_head(splits.train, n), validation=validation, test=test)


def _head(data: TensorSplit | Dataset[Any], n: int) -> Any:
    if isinstance(data, TensorSplit):
        return TensorSplit(data.inputs[:n], data.targets[:n])
    return Subset(data, range(min(n, len(data))))  # type: ignore[arg-type]  # map-style datasets have a length


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Within this, whatever goes wrong is a `RunError` of one line that begins with `name`."""
    try:
        yield
    except (ScratchError, BrokenPipeError):  # the latter is of whoever reads our output, and has seen enough
        raise
    except Exception as error:  # whatever it is, it would have ended the training too
        reason = " ".join(str(error).split()) or "no reason given"
        raise RunError(f"{name}: {type(error).__name__}: {reason}; --debug shows where") from error


def _say(phase: str, found: str) -> None:
    print(f"  {phase:<14} ok  {found}")


def _figures(row: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in row.items())


def _shape(tensor: Tensor) -> str:
    return f"{'×'.join(map(str, tensor.shape))} {str(tensor.dtype).removeprefix('torch.')}"


def _examples(trainer: Trainer) -> str:
    return f"{trainer.plan.examples_per_step} examples of {trainer.batches.n}"
