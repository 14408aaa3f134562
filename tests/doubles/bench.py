"""Chapters trained inside the test's own process."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import Tensor, nn

from data_utils import load
from engine import Run, Trainer
from engine.checkpoint.file import digest, load_checkpoint
from engine.config import ExperimentConfig
from engine.runs.metrics_log import read_rows
from engine.runs.run import Options
from experiment.compose import compose_experiment
from experiment.training import train

ROOT = Path(__file__).resolve().parents[2]
NETWORK = ROOT / "tests/doubles/chapters/90_logistic"
PERCEPTRON = ROOT / "models/01_perceptron"

Row = dict[str, Any]


class Bench:
    """One chapter, whose runs leave their files under `outputs`.

    Args:
        chapter: The chapter's folder.
        outputs: Where its runs go.
    """

    def __init__(self, chapter: Path, outputs: Path) -> None:
        self.chapter, self.outputs = chapter, outputs
        self._modules = _modules(chapter)

    def config(self, experiment: str, *overrides: str) -> ExperimentConfig[Any]:
        """The config of an experiment, without trackers."""
        quiet = ("tracking.wandb.enabled=false", "tracking.tensorboard=false")
        return compose_experiment(self.chapter, experiment, [*quiet, *overrides], self._modules["config"].ModelConfig)

    def run(self, config: ExperimentConfig[Any], **options: Any) -> Run:
        """A run that has not begun; `options` are those of `engine.runs.run.Options`."""
        return Run(self.chapter, config, self.outputs, Options(**options))

    def prepare(
        self, run: Run, model: nn.Module | None = None, prepare: Callable[[nn.Module], None] = lambda model: None
    ) -> Trainer:
        """A trainer that has not begun.

        Args:
            run: The run.
            model: What to train; the chapter's own model where it is None.
            prepare: Gets the model before the trainer does.
        """
        splits = load(run.config.data)
        trainer = Trainer(run)
        trained = model or self.model(run.config, splits.n_features)
        prepare(trained)
        return trainer.prepare(trained, splits)

    def train(
        self, run: Run, model: nn.Module | None = None, prepare: Callable[[nn.Module], None] = lambda model: None
    ) -> "Outcome":
        """Train to the end; the arguments are those of `prepare`."""
        train(self.prepare(run, model, prepare))
        return Outcome(run)

    def go_on(self, run: Run, prepare: Callable[[nn.Module], None] = lambda model: None) -> "Outcome":
        """Resume `run` and train to the end."""
        return self.train(Run(run.chapter, run.config, run.outputs, Options(resume=True), run.run_id), prepare=prepare)

    def model(self, config: ExperimentConfig[Any], n_features: int) -> nn.Module:
        """The chapter's model, with new weights."""
        module = self._modules["model"]
        if self.chapter == PERCEPTRON:
            return module.Perceptron(config.model, n_features)  # type: ignore[no-any-return]
        return module.Network(config.model, n_features, n_classes=2)  # type: ignore[no-any-return]


def _modules(chapter: Path) -> dict[str, ModuleType]:
    """The chapter's modules, taken out of the way of those of other chapters, which have the same names."""
    before = set(sys.modules)
    sys.path.insert(0, str(chapter / "src"))
    try:
        return {name: import_module(name) for name in ("config", "model")}
    finally:
        sys.path.remove(str(chapter / "src"))
        for path in (chapter / "src").glob("*.py"):
            if path.stem not in before:
                sys.modules.pop(path.stem, None)


@dataclass(frozen=True)
class Outcome:
    """What a run left behind."""

    run: Run

    @property
    def rows(self) -> list[Row]:
        """`metrics.jsonl`."""
        return read_rows(self.run.folders.logs / "metrics.jsonl")

    @property
    def summary(self) -> dict[str, Any]:
        """`metrics.json`."""
        return json.loads((self.run.folders.models / "metrics.json").read_text())  # type: ignore[no-any-return]

    @property
    def narrative(self) -> str:
        """`train.log`."""
        return (self.run.folders.logs / "train.log").read_text()

    def checkpoint(self, name: str = "model_last.pt") -> dict[str, Any]:
        """The content of a checkpoint."""
        return load_checkpoint(self.run.folders.models / name)

    @property
    def weights(self) -> dict[str, Tensor]:
        """The weights in the last checkpoint."""
        return self.checkpoint()["model"]  # type: ignore[no-any-return]

    def fingerprint(self) -> dict[str, Any]:
        """All that does not depend on the clock; two are equal where every bit is."""
        last, best = self.checkpoint(), self.checkpoint("model_best.pt")
        return {
            **{key: digest(last[key]) for key in ("model", "average", "optimizers", "best", "step")},
            "random": digest([last["random"][key] for key in ("torch", "numpy")]),  # beartype draws from Python's own
            "best weights": digest([best["model"], best["average"], best["step"]]),
            "rows": [untimed(row) for row in self.rows],
            "summary": {name: value for name, value in self.summary.items() if name not in ("run_id", "seconds")},
        }


def untimed(row: Row) -> Row:
    """A row of the record without what the clock says."""
    return {name: value for name, value in row.items() if name != "seconds" and not name.startswith("speed/")}
