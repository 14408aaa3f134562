"""`scratch replay`."""

import difflib
import json
from pathlib import Path
from typing import TypeVar

import click

from cli.chapters import Chapter, Project
from cli.processes import become
from utils.errors import InputError

_Home = TypeVar("_Home", Chapter, Path)


@click.command("replay")
@click.argument("run", metavar="RUN")
@click.option(
    "--outputs", type=click.Path(path_type=Path), help="Where the results are; default: the outputs/ of each chapter."
)
@click.pass_obj
def command(project: Project, run: str, outputs: Path | None) -> None:
    """Make a finished run again and compare the two, bit for bit.

    RUN is the id of a run, or its folder in models/. It is made again from its config.yaml and the settings in its
    environment.json, in its chapter's environment. Says where versions, hardware or code are no longer those of the
    run. The exit code is 1 where anything differs but times.
    """
    if Path(run).is_dir():
        folder = Path(run).absolute()
        chapter = _chapter_of(project, folder)
    elif outputs is not None:
        folder = _find(run, {path.parent.name: path.parent for path in _configs(outputs)}, str(outputs)).absolute()
        chapter = _chapter_of(project, folder)
    else:
        chapters = {
            path.parent.name: chapter for chapter in project.chapters() for path in _configs(chapter.folder / "outputs")
        }
        chapter = _find(run, chapters, "the outputs of the chapters (give its folder, or --outputs)")
        folder = chapter.folder / "outputs/models" / run
    venv = project.venv(chapter)
    venv.ensure("base")
    become(venv.python, ["-m", "cli.replay_tool", str(chapter.folder), str(folder.parents[1]), folder.name])


def _configs(outputs: Path) -> list[Path]:
    return sorted(outputs.glob("models/*/config.yaml"))


def _find(run: str, runs: dict[str, _Home], where: str) -> _Home:
    if run not in runs:
        close = difflib.get_close_matches(run, runs, n=1)
        raise InputError(f"there is no run '{run}' in {where}{f', did you mean {close[0]}?' if close else ''}")
    return runs[run]


def _chapter_of(project: Project, folder: Path) -> Chapter:
    """The chapter that made the run in `folder`."""
    try:
        name = json.loads((folder / "metrics.json").read_text())["chapter"]
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{folder} is not the folder of a finished run: it has no metrics.json that says so") from None
    return project.chapter(str(name))
