"""Where data lies on disk: `data/` at the root of the repository, or `$SCRATCH_DATA_DIR`."""

import os
from pathlib import Path


def data_folder() -> Path:
    """The folder that holds all data; it need not exist."""
    chosen = os.environ.get("SCRATCH_DATA_DIR")
    return Path(chosen).expanduser() if chosen else Path(__file__).resolve().parents[1] / "data"


def raw_folder(name: str) -> Path:
    """The files of data set `name`, as its authors distribute them."""
    return data_folder() / "raw" / name


def processed_folder(name: str, fingerprint: str) -> Path:
    """Folder of what was derived from data set `name` under one config."""
    return data_folder() / "processed" / name / fingerprint
