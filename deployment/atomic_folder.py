"""A folder that is complete, or not there."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from utils.errors import InputError
from utils.files import cannot_write, sync_folder


@contextmanager
def whole_folder(folder: Path, force: bool, mark: str, what: str) -> Iterator[Path]:
    """A new folder beside `folder`, which takes its name and its place at the end; after an error it is gone.

    Args:
        folder: The final name; its parent is made if needed.
        force: Replace an earlier one.
        mark: A file that only an earlier one has.
        what: Such as `export`, for messages.

    Raises:
        InputError: There is something at `folder` already, before anything is done.
        RunError: It cannot be written.
    """
    if folder.exists() and not force:
        raise InputError(f"{folder} exists already; choose another folder, or replace it with --force")
    if folder.exists() and not (folder / mark).is_file():
        raise InputError(f"{folder} is no earlier {what}, and is not replaced; choose another folder")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as beside:
            partial = Path(beside, folder.name)
            partial.mkdir()
            yield partial
            if folder.exists():
                os.rename(folder, Path(beside, "former"))
            os.rename(partial, folder)
            sync_folder(folder.parent)
    except OSError as error:
        raise cannot_write(folder, error) from error
