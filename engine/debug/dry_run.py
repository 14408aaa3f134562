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
from engine.checkpoint.file import digest
from engine.evaluation.plots import plot_data, split_to_draw
from engine.loop.compile import single_steps_note
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
    config, learner = trainer.config, trainer.learner
    trainer.metrics_log = NullLog()
    planned = f"{learner.plan.total} steps of {learner.plan.examples_per_step} examples of {learner.batches.n} planned"
    print(f"dry run of {config.experiment}: {planned}{single_steps_note(config.trainer)}")
    with phase("data"):
        batches = next(learner.steps_from(0))
        few = _first_examples(learner.splits, config.trainer.batch_size)
        _say("data", ", ".join(_shape(part) for part in batches[0]))
    _say("model", f"{describe_model(learner.model)}, on {learner.hardware.describe()}")
    with phase("evaluation"):
        before = trainer.evaluator.evaluate_splits(learner, few, config.trainer.evaluate_on)
        trainer.monitor.check(before)
    with phase("training step"):
        row = _step(trainer, batches)
        _say("training step", _figures(row))
    with phase("evaluation"):
        after = trainer.evaluator.evaluate_splits(learner, few, config.trainer.evaluate_on)
        _say("evaluation", _figures(after))
    with phase("checkpoint"):
        _say("checkpoint", f"{_checkpoint(trainer):,} bytes, read back the same")
    with phase("plots"):
        history = [{"step": 0, "epoch": 0.0, "seconds": 0.0, **before}]
        history.append({"step": 1, "epoch": 1 / learner.plan.steps_per_epoch, "seconds": 0.0, **row, **after})
        _say("plots", ", ".join(_draw(trainer, few, history)) or "none listed for this experiment")
    print("nothing was written")


def _step(trainer: Trainer, batches: Sequence[Batch]) -> dict[str, float]:
    for batch, output in zip(batches, trainer.learner.step(batches, 0, want_norm=True), strict=True):
        trainer.metric_buffer.add(1, len(batch[0]), output)
    trainer.position.step = 1
    return trainer.metric_buffer.flush()


def _checkpoint(trainer: Trainer) -> int:
    """The size of a checkpoint that was saved to memory and read from there."""
    trainer.note_position()
    content, buffer = trainer.checkpoints.capture(), io.BytesIO()
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

        split = split_to_draw(trainer.config)
        available = plot_data(trainer.config, trainer.learner.model, few, split, trainer.evaluator)
        available["history"] = history
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
