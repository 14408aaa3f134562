"""Shows a recorded run on a tracker: whatever a tracker has can be made again from the run's folder."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from engine.config import TrackingConfig
from engine.runs.metrics_log import read_rows
from engine.runs.run import Folders, read_summary
from engine.tracking import build_tracker
from engine.tracking.base import RunInfo
from utils.errors import InputError, RunError
from utils.runs import find_run
from utils.schema import validate


def rebuild(outputs: Path, run_id: str, name: str, changes: dict[str, Any]) -> Iterator[str]:
    """Show the run again, from its record, its pictures and its checkpoints; yields what there is to tell.

    Args:
        outputs: The chapter's outputs.
        run_id: The run, or `latest`.
        name: tensorboard, wandb or mlflow.
        changes: Settings that replace those of the tracker in the run's config, such as `{"uri": …}` for mlflow.

    Raises:
        InputError: There is no such run or tracker, or the run left no record that can be read.
        RunError: The tracker fails.
    """
    run_id = find_run(run_id, [outputs], str(outputs)).name
    folders, summary = Folders.of(outputs, run_id), read_summary(outputs, run_id)
    config, rows = _read_config(folders.models / "config.yaml"), read_rows(folders.logs / "metrics.jsonl")
    section = config["tracking"]
    if changes:
        section = {**section, name: {**section[name], **changes}}
    tracker = build_tracker(name, validate(TrackingConfig, section, f"tracking in {folders.models / 'config.yaml'}"))
    try:
        if name == "tensorboard":
            for stale in folders.logs.glob("events.out.tfevents.*"):
                stale.unlink()
        yield from _said(
            tracker.start(
                RunInfo(
                    run_id=run_id,
                    chapter=summary["chapter"],
                    experiment=config["experiment"],
                    tags=tuple(config["tags"]),
                    config=config,
                    logs=folders.logs,
                    resumed_at=None,
                    recorded_bytes=0,
                )
            )
        )
        tracker.log(rows)
        for picture in sorted(folders.visualizations.glob("*.png")):
            tracker.figure(picture.stem, picture, rows[-1]["step"])
        if files := folders.files_to_keep():
            tracker.checkpoint(files, ["latest", run_id], summary)
        status = summary["status"] if summary["status"] != "running" else "interrupted"  # it was killed
        yield from _said(tracker.finish(status))
    except Exception as error:  # a client raises anything
        raise RunError(f"{name} failed with {type(error).__name__}: {error}") from error
    yield f"{name} has run {run_id}"


def _said(line: str | None) -> Iterator[str]:
    if line:
        yield line


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        config = None
    if not isinstance(config, dict) or not {"experiment", "tags", "tracking"} <= config.keys():
        raise InputError(f"{path} is not the config of a run")
    return config
