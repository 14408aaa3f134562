"""The checkpoints of a chapter's runs: which there are, which are whole, and which nobody needs any more."""

from dataclasses import dataclass
from pathlib import Path

from engine.checkpoint.content import load_whole
from engine.checkpoint.resolve import PREFERRED, sharded_folders
from engine.runs.run import Folders, read_summary, run_ids
from utils.errors import InputError
from utils.files import leftovers
from utils.locks import ProcessLock

_BEFORE = (".lock", "environment.json", "metrics.json")
"""What a run has before its config."""


@dataclass(frozen=True)
class Stored:
    """One checkpoint: a file, or a sharded one's folder."""

    run_id: str
    path: Path
    status: str
    """Of the run, as `metrics.json` has it."""
    step: int | None
    """None where the file cannot be used."""
    problem: str | None
    """Why it cannot be used."""


def stored(outputs: Path, only: str | None = None) -> list[Stored]:
    """Every checkpoint under `outputs`, or those of the run `only`, each read and checked; oldest run first."""
    runs = run_ids(outputs) if only is None else [only]
    return [_read(run, path, _status(outputs, run)) for run in runs for path in _checkpoints(outputs, run)]


def superfluous(outputs: Path) -> list[Path]:
    """What can be deleted without losing a result.

    Of a finished run, all but the checkpoint that its name stands for: the best one, else the last one, and it has to
    be whole. Of a run that did not finish, only what a killed write left, since its checkpoints are for resuming it. Of
    a run that was killed before it could be found, everything. Of a run that a process is at work on, nothing.
    """
    found = [folder for run in _never_begun(outputs) if _is_free(outputs, run) for folder in _folders(outputs, run)]
    for run in run_ids(outputs):
        if not _is_free(outputs, run):
            continue
        found += leftovers(Folders.of(outputs, run).models)
        if _status(outputs, run) == "finished":
            whole = {each.path.name for each in stored(outputs, run) if each.problem is None}
            kept = next((name for name in PREFERRED if name in whole), None)
            found += [path for path in _checkpoints(outputs, run) if kept and path.name != kept]
    return found


def _never_begun(outputs: Path) -> list[str]:
    """The runs that have no config, and nothing else but what is written before it."""
    begun = run_ids(outputs)
    folders = [path for path in sorted(outputs.glob("models/*/")) if path.name not in begun]
    return [
        path.name for path in folders if {*path.iterdir()} <= {*leftovers(path), *(path / name for name in _BEFORE)}
    ]


def _folders(outputs: Path, run_id: str) -> list[Path]:
    folders = Folders.of(outputs, run_id)
    return [folder for folder in (folders.models, folders.visualizations, folders.logs) if folder.is_dir()]


def _is_free(outputs: Path, run_id: str) -> bool:
    """Whether no process is at work on a run."""
    try:
        with ProcessLock(Folders.of(outputs, run_id).models / ".lock", f"run {run_id}"):
            return True
    except InputError:
        return False


def _checkpoints(outputs: Path, run_id: str) -> list[Path]:
    folder = Folders.of(outputs, run_id).models
    return [*sorted(folder.glob("model_*.pt")), *sharded_folders(folder)]


def _read(run_id: str, path: Path, status: str) -> Stored:
    try:
        return Stored(run_id, path, status, load_whole(path).get("step"), None)
    except InputError as error:
        return Stored(run_id, path, status, None, str(error))


def _status(outputs: Path, run_id: str) -> str:
    try:
        return str(read_summary(outputs, run_id).get("status", "unknown"))
    except InputError:
        return "unknown"
