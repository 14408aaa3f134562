"""What a sweep came to: a table, a CSV file and two pictures."""

import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import plotting
from cli.sweep.request import Request
from cli.sweep.space import Dimension
from utils.errors import RunError
from utils.files import write_atomic
from utils.terminal.table import table

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

REPLACES = "replaces"
"""The attribute of a trial that says which lost one it is in place of."""
LOST = "lost"
"""The attribute of lost trials in journals of earlier versions."""
PLOTS = ("sweep_history", "sweep_parameters")


def conclude(request: Request, trials: "Sequence[FrozenTrial]", dimensions: Sequence[Dimension]) -> None:
    """Print the trials, best first, and write `results.csv` and the pictures.

    Raises:
        RunError: Not one trial was finished, or a file cannot be written.
    """
    rows = [_row(trial) for trial in without_lost(trials) if trial.state.is_finished()]
    rows.sort(key=lambda row: _rank(row, request.mode))
    keys = [dimension.key for dimension in dimensions]
    lines = [[row["number"], row["state"], row["value"], *(row["parameters"].get(key) for key in keys)] for row in rows]
    header = ["trial", "state", request.metric, *keys]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *lines])
    write_atomic(request.folder / "results.csv", text.getvalue())
    print(table(header, [[_cell(value) for value in line] for line in lines]))
    if not rows or rows[0]["value"] is None:
        why = next((trial.user_attrs["why"] for trial in trials if "why" in trial.user_attrs), "all were pruned")
        raise RunError(f"not one trial of {request.folder} was finished; the first failed so: {why}")
    available = {
        "subject": request.experiment,
        "trials": sorted(rows, key=lambda row: row["number"]),
        "metric": request.metric,
        "mode": request.mode,
        "logarithmic": tuple(dimension.key for dimension in dimensions if dimension.kind == "log"),
    }
    for name in PLOTS:
        plotting.save(plotting.render(name, available), request.folder / f"{name}.png")
    best = request.folder / "trials" / f"{rows[0]['number']:04d}"
    print(f"best: trial {rows[0]['number']}, in {best}; table and pictures are in {request.folder}")


def without_lost(trials: "Sequence[FrozenTrial]") -> "list[FrozenTrial]":
    """`trials` without those that a killed sweep left behind; the trial that replaces one has its settings."""
    lost = {trial.user_attrs.get(REPLACES) for trial in trials}
    return [trial for trial in trials if trial.number not in lost and not trial.user_attrs.get(LOST)]


def _row(trial: "FrozenTrial") -> dict[str, Any]:
    state = trial.state.name.lower()
    value = trial.value if state == "complete" else None
    return {"number": trial.number, "state": state, "value": value, "parameters": trial.params}


def _rank(row: dict[str, Any], mode: str) -> tuple[bool, float]:
    """Best first; what has no value comes last, in the order of its start."""
    if row["value"] is None:
        return True, row["number"]
    return False, -row["value"] if mode == "max" else row["value"]


def _cell(value: object) -> object:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else value
