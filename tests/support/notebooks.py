"""Executing a chapter's notebook on runs that a test has made."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from engine import Run, Trainer
from experiment.compose import compose_experiment

_QUIET = ("tracking.wandb.enabled=false", "tracking.tensorboard=false")


@dataclass(frozen=True)
class Shown:
    """What a notebook showed."""

    printed: str
    pictures: int
    missing: set[str]
    """The experiments of which it found no run."""


def train_short(
    chapter: Path, model_config: Any, main: Callable[[Run], Trainer], outputs: Path, runs: Iterable[Sequence[str]]
) -> None:
    """Make a run for each of `runs`: an experiment, then overrides."""
    for experiment, *overrides in runs:
        config = compose_experiment(chapter, experiment, [*_QUIET, *overrides], model_config)
        main(Run(chapter, config, outputs)).train()


def execute(chapter: Path, outputs: Path) -> Shown:
    """Execute the notebook of `chapter` beside `outputs`, and check that it leaves them as they are."""
    before = _contents(outputs)
    folder = outputs.parent / "notebooks"
    folder.mkdir(exist_ok=True)
    notebook = nbformat.read(chapter / "notebooks/analysis.ipynb", as_version=4)
    NotebookClient(notebook, timeout=240, startup_timeout=240, resources={"metadata": {"path": str(folder)}}).execute()
    assert _contents(outputs) == before, "a notebook only reads"
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    printed = "".join(output.get("text", "") for output in shown)
    return Shown(
        printed,
        sum("image/png" in output.get("data", {}) for output in shown),
        set(re.findall(r"No run of (\S+) yet: python src/train.py --experiment \1", printed)),
    )


def _contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
