"""Finding a run that a command names, and the chapter that made it."""

import difflib
import json
from pathlib import Path
from typing import TypeVar

from cli.chapters import Chapter, Project, run_ids
from utils.errors import InputError

_ALIKE = 0.9  # any two runs of a day have half of their names in common
_Home = TypeVar("_Home", Chapter, Path)


def find_run(project: Project, run: str, outputs: Path | None) -> tuple[Chapter, Path]:
    """The chapter that made a run, and the run's folder in `models/`.

    Args:
        project: Whose chapters' outputs are looked through.
        run: The id of the run, or its folder.
        outputs: Where to look instead.

    Raises:
        InputError: There is no such run.
    """
    if Path(run).is_dir():
        folder = Path(run).absolute()
        return _chapter_of(project, folder), folder
    if outputs is not None:
        folder = _find(run, {name: outputs / "models" / name for name in run_ids(outputs)}, str(outputs)).absolute()
        return _chapter_of(project, folder), folder
    chapters = {name: chapter for chapter in project.chapters() for name in run_ids(chapter.folder / "outputs")}
    chapter = _find(run, chapters, "the outputs of the chapters (give its folder, or --outputs)")
    return chapter, chapter.folder / "outputs/models" / run


def _find(run: str, runs: dict[str, _Home], where: str) -> _Home:
    if run not in runs:
        close = difflib.get_close_matches(run, runs, n=1, cutoff=_ALIKE)
        raise InputError(f"there is no run '{run}' in {where}{f', did you mean {close[0]}?' if close else ''}")
    return runs[run]


def _chapter_of(project: Project, folder: Path) -> Chapter:
    """The chapter that made the run in `folder`."""
    try:
        name = json.loads((folder / "metrics.json").read_text())["chapter"]
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{folder} is not the folder of a finished run: it has no metrics.json that says so") from None
    return project.chapter(str(name))
