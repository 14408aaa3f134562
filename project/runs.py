"""Finding a run that a command names, and the chapter that made it."""

import json
from pathlib import Path

from project.chapters import Chapter, Project
from utils.errors import InputError
from utils.runs import find_run


def find_made_run(project: Project, run: str, outputs: Path | None) -> tuple[Chapter, Path]:
    """The chapter that made a run, and the run's folder in `models/`.

    Args:
        project: Whose chapters' outputs are looked through.
        run: The id of the run, its folder, or "latest" for the newest of all these outputs.
        outputs: Where to look instead.

    Raises:
        InputError: There is no such run.
    """
    if Path(run).is_dir():
        folder = Path(run).absolute()
        return _chapter_of(project, folder), folder
    if outputs is not None:
        folder = find_run(run, [outputs.absolute()], str(outputs))
        chapter = _chapter_of(project, folder)
    else:
        chapters = {each.folder / "outputs": each for each in project.chapters()}
        folder = find_run(run, chapters, "the outputs of the chapters (give its folder, or --outputs)")
        chapter = chapters[folder.parents[1]]
    return chapter, folder


def _chapter_of(project: Project, folder: Path) -> Chapter:
    """The chapter that made the run in `folder`."""
    try:
        name = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["chapter"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):  # the last one by brackets without end
        raise InputError(f"{folder} is not the folder of a finished run: it has no metrics.json that says so") from None
    return project.chapter(str(name))
