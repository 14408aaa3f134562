"""What `--load-checkpoint` and `--checkpoint` may name: a file, a run, `latest`, or a wandb artifact."""

import os
import re
from pathlib import Path

from engine.artifacts import fetch_artifact, is_artifact_reference
from engine.checkpoints import load_checkpoint
from engine.run import run_ids
from utils.errors import InputError, did_you_mean
from utils.runs import LATEST, find_run

LAST = "model_last.pt"
PREFERRED = ("model_best.pt", LAST)
_SHARDED = re.compile(r"model_last-(\d+)\.dcp")


def resolve_checkpoint(reference: str, outputs: Path) -> Path:
    """The checkpoint file that `reference` names; of a run or an artifact the best one, else the last.

    Args:
        reference: A path, a run id, `latest`, or `[[entity/]project/]name:alias` on wandb.
        outputs: The chapter's outputs, where runs are looked for and artifacts are kept.

    Raises:
        InputError: There is nothing of that name.
        RunError: wandb cannot be reached.
    """
    if os.path.exists(reference):  # unlike Path.exists, false for a name that no file can have
        return Path(reference)
    runs = run_ids(outputs)
    if reference == LATEST or reference in runs:
        return checkpoint_in(find_run(reference, [outputs], str(outputs)))
    if is_artifact_reference(reference):
        return checkpoint_in(fetch_artifact(reference, outputs / "artifacts"))
    raise InputError(
        f"there is no checkpoint '{reference}'{did_you_mean(reference, runs)}: "
        "name a .pt file, a run id, latest, or a wandb artifact such as entity/project/name:alias"
    )


def sharded_folders(folder: Path) -> list[Path]:
    """The sharded checkpoints (`engine/sharded.py`) in a run's folder, by their step."""
    return sorted((path for path in folder.glob("*.dcp") if _SHARDED.fullmatch(path.name)), key=_step_of)


def _step_of(sharded: Path) -> int:
    return int("".join(_SHARDED.findall(sharded.name)))


def newest_checkpoint(folder: Path) -> Path | None:
    """The checkpoint in a run's folder that is furthest on, of either form; None where there is none.

    Raises:
        InputError: There are several, and one of them cannot be used.
    """
    file, sharded = folder / LAST, sharded_folders(folder)
    if not file.exists():
        return sharded[-1] if sharded else None
    return sharded[-1] if sharded and _step_of(sharded[-1]) > load_checkpoint(file)["step"] else file


def checkpoint_in(folder: Path) -> Path:
    """The checkpoint to use a run with, or the folder of an artifact: the best one, else the last.

    Raises:
        InputError: There is none.
    """
    for name in PREFERRED:
        if (folder / name).exists():
            return folder / name
    if sharded := sharded_folders(folder):
        return sharded[-1]
    raise InputError(f"{folder} holds no checkpoint; was the run made with --no-save-checkpoint, or stopped early?")
