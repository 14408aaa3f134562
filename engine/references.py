"""What `--load-checkpoint` and `--checkpoint` may name: a file, a run, `latest`, or a wandb artifact."""

import os
from pathlib import Path

from engine.artifacts import fetch_artifact, is_artifact_reference
from engine.run import Folders, find_run, run_ids
from utils.errors import InputError, did_you_mean

PREFERRED = ("model_best.pt", "model_last.pt")


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
    if reference == "latest" or reference in runs:
        return _checkpoint_in(Folders.of(outputs, find_run(outputs, reference)).models)
    if is_artifact_reference(reference):
        return _checkpoint_in(fetch_artifact(reference, outputs / "artifacts"))
    raise InputError(
        f"there is no checkpoint '{reference}'{did_you_mean(reference, runs)}: "
        "name a .pt file, a run id, latest, or a wandb artifact such as entity/project/name:alias"
    )


def _checkpoint_in(folder: Path) -> Path:
    for name in PREFERRED:
        if (folder / name).exists():
            return folder / name
    raise InputError(f"{folder} holds no checkpoint; was the run made with --no-save-checkpoint, or stopped early?")
