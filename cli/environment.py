"""Where a command does its work: its first half runs in the root's environment, the rest in that of a chapter.

    def command(project: Project, chapter: str) -> None:
        place = project.chapter(chapter)               # quick, and mistakes are answered here
        continue_in(project.venv(place), "base")
        from engine... import ...                      # now there is torch

The process becomes the same command in the other environment, and there `continue_in` returns. What comes before it
runs twice, so it only reads.
"""

import os
import sys
from pathlib import Path

import click

from project.chapters import Chapter, Project
from project.runs import find_made_run
from project.venvs import Venv
from utils.errors import RunError
from utils.runs import LATEST
from utils.terminal.processes import become

VARIABLE = "SCRATCH_ENVIRONMENT"
"""The folder of the environment that the command went on in. `ready`: this Python has all that any command needs."""
READY = "ready"


def continue_in(venv: Venv, *stages: str) -> None:
    """Make `venv` ready and go on in it, with the same command line; returns once this process is the one in it.

    The current folder stays, so paths mean what the user meant.

    Args:
        venv: The environment.
        stages: What it must have.

    Raises:
        RunError: Its packages cannot be had, or the command wants another environment than it came for.
    """
    if os.environ.get(VARIABLE) == READY:
        return
    here = os.environ.pop(VARIABLE, None)  # what is started from here begins anew
    if here == str(venv.folder):
        return
    if here is not None:
        raise RunError(f"this command needs {venv.folder}, and ${VARIABLE} says {here}; unset it, or try again")
    for stage in stages:
        venv.ensure(stage)
    become(venv.python, ["-P", "-m", "cli", *sys.argv[1:]], {VARIABLE: str(venv.folder)})


def continue_with_run(project: Project, run: str, outputs: Path | None, *stages: str) -> tuple[Chapter, Path]:
    """Go on in the environment of the chapter that made a run; returns the chapter, and the run's folder in `models/`.

    Args:
        project: Whose chapters' outputs are looked through.
        run: The id of the run, its folder, or "latest".
        outputs: Where to look instead.
        stages: What the environment must have.

    Raises:
        InputError: There is no such run.
        RunError: As above.
    """
    chapter, folder = find_made_run(project, run, outputs)
    continue_in(project.venv(chapter), *stages)
    if run == LATEST:
        click.echo(f"the latest run is {folder.name} of {chapter.name}", err=True)
    return chapter, folder
