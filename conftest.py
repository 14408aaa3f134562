"""What holds in every test, those of the shared packages and those of the chapters.

One thread, so that last digits and timings do not depend on how busy the machine is; and every type and shape that is
annotated is checked at each call (jaxtyping and beartype), which only tests can afford.
"""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import jaxtyping
import pytest

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported

# An int will do for a float, as mypy has it.
_CHECKER = "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))"
jaxtyping.install_import_hook(["data_utils", "deployment", "engine", "inference", "plotting", "utils"], _CHECKER)

hypothesis.settings.register_profile("any machine", deadline=None)  # a busy one is not a defect
hypothesis.settings.load_profile("any machine")

_chapter: Path | None = None
_UNCHECKED = {"__init__", "train", "evaluate", "config", "constants"}  # no tensors in them


def pytest_pycollect_makemodule(module_path: Path) -> None:
    """Before the first test of a chapter is imported, make that chapter's modules importable by their plain names."""
    folder = module_path.parent
    if folder.name == "tests" and (folder.parent / "src").is_dir():
        _use_chapter(folder.parent)


def _use_chapter(chapter: Path) -> None:
    global _chapter
    if _chapter is not None and _chapter != chapter:
        raise pytest.UsageError(
            f"the modules of {_chapter.name} and {chapter.name} have the same names: test one chapter at a time, "
            "or all of them with `scratch test`"
        )
    if _chapter is None:
        _chapter = chapter
        sys.path.insert(0, str(chapter / "src"))
        modules = sorted(path.stem for path in (chapter / "src").glob("*.py") if path.stem not in _UNCHECKED)
        jaxtyping.install_import_hook(modules, _CHECKER)


@pytest.fixture
def dataset_mirror() -> str:
    """The mirror from which tests take real data sets; without one the test is skipped, or fails in CI."""
    mirror = os.environ.get("SCRATCH_DATA_MIRROR")
    if not mirror:
        reason = "SCRATCH_DATA_MIRROR names no folder or URL with the real data sets"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return mirror


@pytest.fixture
def shapes_unchecked() -> Iterator[None]:
    """Checking types and shapes at each call doubles the time of a run; the other tests do it."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture
def notebook(shapes_unchecked: None, request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Any]:
    """Executes the chapter's notebook on runs of its own: `notebook(("xor", "trainer.duration='2 epochs'"), ...)`."""

    def shown(*runs: tuple[str, ...]) -> Any:
        from config import ModelConfig
        from tests.support.notebooks import execute, train_short
        from train import main

        chapter = request.path.parents[1]
        train_short(chapter, ModelConfig, main, tmp_path / "outputs", runs)
        return execute(chapter, tmp_path / "outputs")

    return shown
