"""What `scratch optimise` says and leaves: a table, `report.json` and pictures."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

import plotting
from deployment.atomic_folder import whole_folder
from deployment.optimise.measuring import Measured
from deployment.optimise.original import Original
from utils.files import write_atomic
from utils.strict_json import dumps
from utils.terminal.table import table

FILE = "report.json"


def new_report(folder: Path, force: bool) -> AbstractContextManager[Path]:
    """Where to fill what becomes `folder` once it is complete; with `force` an earlier report makes place for it.

    Raises:
        InputError: There is something else at `folder`.
        RunError: It cannot be written.
    """
    return whole_folder(folder, force, FILE, "report")


def write_report(folder: Path, original: Original, forms: Sequence[Measured], **more: Any) -> dict[str, Any]:
    """Print the table of `forms`; write `report.json` and `optimisation.png` to `folder`.

    Args:
        folder: Is there.
        original: What became smaller.
        forms: The model as it was, then the others.
        more: What else the report says.

    Returns:
        What pictures may be drawn from.
    """
    predictor, task = original.predictor, original.task
    report = {
        "chapter": predictor.chapter.folder.name,
        "experiment": predictor.config.experiment,
        "run_id": predictor.run_id,
        "split": task.split,
        "examples": len(task.examples),
        "metric": task.metric,
        "forms": [asdict(form) for form in forms],
        **more,
    }
    click.echo(_forms(forms, f"{task.metric} ({task.split})"))
    write_atomic(folder / FILE, dumps(report, indent=2) + "\n")
    available = {**report, "subject": predictor.config.experiment, "metric": f"{task.split} {task.metric}"}
    draw(folder, "optimisation", available)
    return available


def draw(folder: Path, name: str, available: dict[str, Any]) -> None:
    """Write one picture to `folder`."""
    plotting.save(plotting.render(name, available), folder / f"{name}.png")


def _forms(forms: Sequence[Measured], metric: str) -> str:
    batches = list(forms[0].milliseconds)
    header = ["form", "bytes", "compressed", *(f"ms, batch {batch}" for batch in batches), metric]
    rows = [
        [
            form.name,
            form.bytes,
            form.compressed,
            *(significant(form.milliseconds[batch]) for batch in batches),
            significant(form.value),
        ]
        for form in forms
    ]
    return table(header, rows)


def significant(number: float) -> float:
    """`number` to four digits."""
    return float(f"{number:.4g}")
