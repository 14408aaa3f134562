"""Which run `train.py --resume` goes on with."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from experiment.differences import differences, settings
from utils.errors import InputError
from utils.ranks import is_main
from utils.runs import find_run, run_folders

if TYPE_CHECKING:
    from engine.config import ExperimentConfig
    from utils.schema import Strict

AUTO = "auto"
"""Instead of a run's id: the newest run that the same command started, or a new one where there is none."""


def config_to_resume(
    chapter: Path,
    outputs: Path,
    name: str,
    experiment: str | None,
    changes: Sequence[str],
    model_config: "type[Strict]",
) -> "tuple[str, ExperimentConfig[Any]]":
    """The id of the run that `name` means, and its config.

    Args:
        chapter: The chapter's folder, which has the groups of the config.
        outputs: Where runs are.
        name: An id, or "latest".
        experiment: The one that the command names, if it does.
        changes: The overrides of the command; they may only repeat what the run has.
        model_config: The schema of the `model` section.

    Raises:
        InputError: There is no such run, or it has another config.
    """
    from experiment.compose import read_config

    folder = find_run(name, [outputs], str(outputs))
    path = folder / "config.yaml"
    config = read_config(path, [], model_config)
    asked = read_config(path, changes, model_config, chapter)
    different = differences(config.model_dump(mode="json"), asked.model_dump(mode="json"))
    if experiment not in (None, config.experiment):
        different.insert(0, f"experiment is {config.experiment}, not {experiment}")
    if different:
        raise InputError(
            f"run {folder.name} has another config: {'; '.join(different)}; resume it as it is, "
            f"or start a new run with --load-checkpoint {folder.name}"
        )
    return folder.name, config


def run_of(chapter: Path, outputs: Path, config: "ExperimentConfig[Any]", model_config: "type[Strict]") -> str:
    """The id of the newest run under `outputs` with this config; "" where there is none, and the first difference to
    the newest run of the same experiment is said.
    """
    asked = settings(config)
    said = ""
    for folder in reversed(run_folders([outputs])):
        saved = _settings_of(folder, chapter, config.experiment, model_config)
        if saved == asked:
            return folder.name
        if saved is not None and not said:
            said = f"; {folder.name} has another config: {'; '.join(differences(saved, asked))}"
    if said and is_main():
        click.echo(f"no run of this config in {outputs}, starting one{said}", err=True)
    return ""


def is_finished(outputs: Path, run_id: str) -> bool:
    """Whether a run has trained as long as it was to."""
    from engine.runs.run import read_summary

    return bool(read_summary(outputs, run_id)["status"] == "finished")


def start_of(outputs: Path, run_id: str) -> str | None:
    """The checkpoint that a run began with; needed again where it was stopped before it had one of its own."""
    from engine.runs.run import read_summary

    started_from: str | None = read_summary(outputs, run_id).get("started_from")
    return started_from


def _settings_of(folder: Path, chapter: Path, experiment: str, model_config: "type[Strict]") -> dict[str, Any] | None:
    """The settings of a run of this chapter and experiment; None for any other, and one that cannot be read."""
    from engine.runs.run import read_summary
    from experiment.compose import read_config

    try:
        summary = read_summary(folder.parents[1], folder.name)
        if (summary["chapter"], summary.get("experiment")) != (chapter.name, experiment):
            return None
        return settings(read_config(folder / "config.yaml", [], model_config))
    except InputError:
        return None
