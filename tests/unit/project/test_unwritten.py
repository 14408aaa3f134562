"""A learner's part that is not written is told apart from a defect."""

from pathlib import Path

import pytest

from project.unwritten import not_written_yet


def error_of(file: Path, raised: str) -> Exception:
    """The error that the lines of a source file raise."""
    with pytest.raises(Exception) as caught:
        exec(compile(f"raise {raised}", str(file), "exec"))
    return caught.value


def test_the_learners_copy_is_named_with_the_way_on() -> None:
    error = error_of(Path("/clone/workspace/01_toy/src/model.py"), "NotImplementedError('the loss')")
    told = not_written_yet(error)
    assert told is not None
    assert "the loss" in str(told) and "./scratch check 01_toy" in str(told)


@pytest.mark.parametrize(
    ("folder", "raised"), [("models", "NotImplementedError('the loss')"), ("workspace", "ValueError('no')")]
)
def test_any_other_error_stays_what_it_is(folder: str, raised: str) -> None:
    assert not_written_yet(error_of(Path(f"/clone/{folder}/01_toy/src/model.py"), raised)) is None
