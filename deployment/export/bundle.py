"""A folder with a model in some forms and its card: complete and checked, or not there."""

from collections.abc import Sequence
from pathlib import Path

from deployment.atomic_folder import whole_folder
from deployment.export import card
from deployment.export.agreement import check
from deployment.export.forms import export
from inference.predictor import Predictor
from utils.files import write_atomic


def bundle(
    predictor: Predictor, forms: Sequence[str], folder: Path, force: bool = False, triton_backend: str = "python"
) -> dict[str, float]:
    """Make `folder`, with a model in each of the `forms`, and `MODEL_CARD.md`.

    Args:
        predictor: The model.
        forms: Names of `FORMS`.
        folder: Must not exist.
        force: Replace an earlier export there.
        triton_backend: What runs a Triton model: one of `TRITON_BACKENDS` there.

    Returns:
        Each form's largest difference from the predictor.

    Raises:
        InputError: There is something else at `folder`; or no such form or backend.
        RunError: The folder cannot be written, the chapter cannot be exported, or a form gives other numbers.
    """
    with whole_folder(folder, force, card.FILE, "export") as partial:
        found = {form: check(predictor, export(predictor, form, partial, triton_backend)) for form in forms}
        write_atomic(partial / card.FILE, card.model_card(predictor, partial))
    return found
