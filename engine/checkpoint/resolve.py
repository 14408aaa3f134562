"""What `--load-checkpoint` and `--checkpoint` may name: a file, a run, `latest`, or a wandb artifact."""

import logging
import os
import re
from pathlib import Path

from engine.checkpoint.file import load_checkpoint, peek_step
from engine.runs.run import run_ids
from engine.tracking.wandb_artifacts import fetch_artifact, is_artifact_reference
from utils.errors import InputError, did_you_mean
from utils.runs import LATEST, find_run

log = logging.getLogger(__name__)

LAST, BEST = "model_last.pt", "model_best.pt"
PREFERRED = (BEST, LAST)
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
    """The sharded checkpoints (`engine/checkpoint/sharded.py`) in a run's folder, by their step."""
    return sorted((path for path in folder.glob("*.dcp") if _SHARDED.fullmatch(path.name)), key=_step_of)


def _step_of(sharded: Path) -> int:
    return int("".join(_SHARDED.findall(sharded.name)))


def newest_checkpoint(folder: Path) -> Path | None:
    """The checkpoint in a run's folder that is furthest on, of either form; None where there is none.

    One that is damaged is named in a warning, and an older one is taken: a run comes to the same end from any of them.

    Raises:
        InputError: There are some, and none of them can be used.
    """
    steps = {path: peek_step(path) for path in (folder / LAST, folder / BEST) if path.exists()}
    steps |= {path: _step_of(path) for path in sharded_folders(folder)}
    problems: list[InputError] = []
    for path in sorted(steps, key=lambda path: steps[path], reverse=True):
        try:
            _verify(path)
        except InputError as error:
            problems.append(error)
            continue
        for problem in problems:
            log.warning("%s: going on from %s", str(problem).partition(";")[0], path.name)
        return path
    if problems:
        raise problems[0]
    return None


def _verify(path: Path) -> None:
    if not path.is_dir():
        load_checkpoint(path)
        return
    from engine.checkpoint.sharded import verify_sharded  # what it imports is slow to load

    verify_sharded(path)


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
