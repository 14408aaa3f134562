"""Evaluates a checkpoint on the data of an experiment."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from data_utils.splits import Splits
from engine.checkpoint.content import read_checkpoint, trained_weights
from engine.checkpoint.file import load_weights
from engine.checkpoint.resolve import resolve_checkpoint
from engine.config import ExperimentConfig
from engine.device.hardware import Hardware
from engine.evaluation.evaluator import Evaluator
from engine.evaluation.plots import visualize
from engine.runs.run import Folders
from utils.errors import InputError
from utils.files import write_atomic
from utils.schema import validate
from utils.seeds import seed_everything
from utils.strict_json import dumps

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CheckpointEvaluation:
    """A checkpoint and the data to evaluate it on.

    Attributes:
        config: The experiment's config, with the model section of the checkpoint.
        path: The checkpoint file.
        content: What it holds.
        split: Which split to evaluate.
        folders: The folders of the run that made the checkpoint; results go there.
        plots: Names of the plots to draw.
    """

    config: ExperimentConfig
    path: Path
    content: dict[str, Any]
    split: str
    folders: Folders
    plots: tuple[str, ...]

    @classmethod
    def of(
        cls,
        chapter: Path,
        config: ExperimentConfig,
        outputs: Path,
        reference: str,
        split: str,
        plots: tuple[str, ...],
    ) -> "CheckpointEvaluation":
        """Find and read the checkpoint that `reference` names.

        Raises:
            InputError: There is none, it cannot be used, or it is from another chapter.
        """
        path = resolve_checkpoint(reference, outputs)
        content = read_checkpoint(path, chapter)
        trained = validate(type(config), content["config"], f"config in checkpoint {path}")
        config = config.model_copy(update={"model": trained.model})
        return cls(config, path, content, split, Folders.of(outputs, content["run_id"]), plots)

    def run(self, model: nn.Module, splits: Splits) -> dict[str, float]:
        """Evaluate; print the figures, write them to `evaluation-<experiment>.json`, draw the plots.

        Returns:
            Metric to value.

        Raises:
            InputError: The weights do not fit the model, or the data has no such split.
        """
        seed_everything(self.config.seed)
        hardware, trainer = Hardware(self.config.hardware), self.config.trainer
        load_weights(model, trained_weights(self.content), f"checkpoint {self.path}")
        model.to(hardware.device)
        evaluator = Evaluator(hardware, trainer.metrics, trainer.batch_size, splits.n_classes)
        try:
            name, split = splits.evaluation(self.split)
        except InputError as error:
            other = "validation" if splits.test is None else "test"
            raise InputError(f"{splits.name} has no {self.split} split to evaluate on: add --split {other}") from error
        if name != self.split:
            log.info("%s has no %s split; evaluating on %s", splits.name, self.split, name)
        metrics = evaluator.evaluate(model, split).metrics
        self._write(name, len(split), metrics, splits)
        visualize(self.plots, self.folders, self.config, model, splits, self.split, evaluator, prefix="evaluation_")
        return metrics

    def _write(self, split: str, n: int, metrics: dict[str, float], splits: Splits) -> None:
        experiment = self.config.experiment
        result = {
            "checkpoint": str(self.path),
            "run_id": self.content["run_id"],
            "step": self.content["step"],
            "experiment": experiment,
            "split": split,
            "examples": n,
            "data": splits.fingerprint,
            "metrics": metrics,
        }
        path = self.folders.models / f"evaluation-{experiment}.json"
        write_atomic(path, dumps(result, indent=2) + "\n")
        print(f"{experiment}, {split} split, {n} examples")
        for metric, value in metrics.items():
            print(f"  {metric:<20} {value:.4f}")
        log.info("wrote %s", path)
