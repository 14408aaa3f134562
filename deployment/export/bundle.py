"""A folder with a model in some forms and its card: complete and checked, or not there."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deployment.export import card
from deployment.export.agreement import check
from deployment.export.forms import export
from inference.predictor import Predictor
from utils.errors import InputError
from utils.files import cannot_write, sync_folder, write_atomic


def bundle(
    predictor: Predictor, forms: Sequence[str], folder: Path, force: bool = False, triton_backend: str = "python"
) -> dict[str, float]:
    """Make `folder`, with a model in each of the `forms`, and `MODEL_CARD.md`.

    Args:
        predictor: The model.
        forms: Names of `cli.options.FORMS`.
        folder: Must not exist.
        force: Replace an earlier export there.
        triton_backend: What runs a Triton model: one of `TRITON_BACKENDS` there.

    Returns:
        Each form's largest difference from the predictor.

    Raises:
        InputError: There is something else at `folder`; or no such form or backend.
        RunError: The folder cannot be written, the chapter cannot be exported, or a form gives other numbers.
    """
    with _whole(folder, force) as partial:
        found = {form: check(predictor, export(predictor, form, partial, triton_backend)) for form in forms}
        write_atomic(partial / card.FILE, card.model_card(predictor, partial))
    return found


@contextmanager
def _whole(folder: Path, force: bool) -> Iterator[Path]:
    """A new folder beside `folder`, which takes its name and its place at the end; after an error it is gone."""
    if folder.exists() and not force:
        raise InputError(f"{folder} exists already; choose another folder, or replace it with --force")
    if folder.exists() and not (folder / card.FILE).is_file():
        raise InputError(f"{folder} is no earlier export, and is not replaced; choose another folder")
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
