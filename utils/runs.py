"""The runs in folders of outputs, and how one is found by its name; standard library only."""

import re
from collections.abc import Iterable
from pathlib import Path

from utils.errors import InputError, did_you_mean

LATEST = "latest"
_ALIKE = 0.9  # any two runs of a day have half of their names in common


def run_folders(outputs: Iterable[Path]) -> list[Path]:
    """The folder in `models/` of every run under any of `outputs`, oldest first; a run is there once its config is."""
    return sorted((path.parent for each in outputs for path in each.glob("models/*/config.yaml")), key=_age)


def find_run(name: str, outputs: Iterable[Path], where: str) -> Path:
    """The folder in `models/` of the run called `name`, or of the newest one where that is "latest".

    Args:
        name: The id of the run, or "latest".
        outputs: Where to look.
        where: The same in words, for the message.

    Raises:
        InputError: There is no such run.
    """
    runs = {folder.name: folder for folder in run_folders(outputs)}
    newest = next(reversed(runs), None)
    found = runs.get(newest if name == LATEST and newest else name)
    if found is None:
        close = did_you_mean(name, runs, _ALIKE) or (f"; the newest is {newest}" if newest else "")
        raise InputError(f"there is no run '{name}' in {where}{close}")
    return found


def _age(folder: Path) -> tuple[str, int]:
    time = re.search(r"\d{8}T\d{6}Z", folder.name)  # a folder that someone renamed is older than all others
    return time[0] if time else "", (folder / "config.yaml").stat().st_mtime_ns  # the name has whole seconds
