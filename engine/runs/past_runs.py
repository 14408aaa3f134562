"""Runs that are over, as an analysis looks at them: what they found, with which config, and the way there."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from jaxtyping import Float
from pydantic import TypeAdapter

from data_utils.config import DataConfig
from engine.runs.metrics_log import Row, read_rows
from engine.runs.run import Folders


@dataclass(frozen=True)
class PastRun:
    """One finished run."""

    folders: Folders
    results: dict[str, Any]
    """`metrics.json`."""
    config: dict[str, Any]
    """`config.yaml`, plain."""
    history: list[Row]
    """The rows of `metrics.jsonl`."""

    @property
    def run_id(self) -> str:
        """The name of the run."""
        return str(self.results["run_id"])

    def values(self, metric: str) -> Float[np.ndarray, " rows"]:
        """One metric over the run, from the rows that have it."""
        return np.array([row[metric] for row in self.history if metric in row], dtype=float)

    def training_data(self) -> dict[str, Any]:
        """What the run learned from, by the names that plots use."""
        from data_utils import load  # torch, which most looks at a run do without

        splits = load(TypeAdapter(DataConfig).validate_python(self.config["data"]))
        return {
            "inputs": splits.train.inputs.numpy(),
            "targets": splits.train.targets.numpy(),
            "class_names": splits.class_names,
            "feature_names": splits.feature_names,
        }


def finished_runs(outputs: Path, experiment: str | None = None) -> list[PastRun]:
    """The finished runs under `outputs`, oldest first; of one experiment only, where it is named."""
    found = []
    for path in sorted(outputs.glob("models/*/metrics.json"), key=lambda path: path.stat().st_mtime):
        results = json.loads(path.read_text(encoding="utf-8"))
        if results["status"] == "finished" and experiment in (None, results["experiment"]):
            folders = Folders.of(outputs, path.parent.name)
            config = yaml.safe_load((path.parent / "config.yaml").read_text(encoding="utf-8"))
            found.append(PastRun(folders, results, config, read_rows(folders.logs / "metrics.jsonl")))
    return found


def newest_run(outputs: Path, experiment: str) -> PastRun | None:
    """The newest finished run of `experiment`, named on the screen; where there is none, what to do about it."""
    found = finished_runs(outputs, experiment)
    if not found:
        print(f"No run of {experiment} yet: python src/train.py --experiment {experiment}")
        return None
    print(found[-1].run_id)
    return found[-1]
