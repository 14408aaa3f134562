"""The error of a part that a learner has still to write."""

import traceback
from pathlib import Path

from project.chapters import WORKSPACE
from utils.errors import RunError


def not_written_yet(error: Exception) -> RunError | None:
    """What to tell a learner whose copy, as in `workspace/01_perceptron`, raised `error` where a part is to be written.

    Args:
        error: As it was caught.

    Returns:
        The error to show; None for any other error, or one of any other code.
    """
    if not isinstance(error, NotImplementedError):
        return None
    *_, frame = traceback.extract_tb(error.__traceback__)
    chapter = Path(frame.filename).parent.parent
    if chapter.parent.name != WORKSPACE:
        return None
    return RunError(f"not written yet: {error}; `./scratch check {chapter.name}` says how far you are")
