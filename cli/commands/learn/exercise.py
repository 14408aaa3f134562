"""`scratch exercise`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from project.chapters import Chapter, Project
from utils.errors import InputError

if TYPE_CHECKING:  # imported where used: they read YAML, which --help does not need
    from cli.grading.spec import Exercises, Part
    from cli.grading.workspace import Workspace

ALL = "*"  # what --reset means without a part
NEXT = "*"  # what --hint means without a value


@click.command("exercise")
@click.argument("chapter", metavar="NN")
@click.option("--reset", is_flag=False, flag_value=ALL, metavar="[PART]", help="Make a part blank again, or all.")
@click.option("--hint", is_flag=False, flag_value=NEXT, metavar="[K | PART | PART:K]", help="The next hint, or step K.")
@click.option("--solution", metavar="PART", help="Write the chapter's own lines into your copy, and show them.")
@click.pass_obj
def command(project: Project, chapter: str, reset: str | None, hint: str | None, solution: str | None) -> None:
    """Copy chapter NN to workspace/, with its hand-written parts left for you to write.

    `scratch check NN` grades them. The copy trains, evaluates and draws like the chapter, under its own name:

    \b
        scratch exercise 01
        scratch check 01
        scratch exercise 01 --hint
        scratch train workspace/01_perceptron --experiment xor

    --hint is about the part at which the last check stopped, and --hint PART about another. --reset and --solution
    keep your files under workspace/NN/backups/.
    """
    from cli.grading.workspace import Workspace

    if sum(option is not None for option in (reset, hint, solution)) > 1:
        raise InputError("--reset, --hint and --solution do not go together: give one of them")
    place = project.chapter(chapter)
    exercises = exercises_of(project, place)
    workspace = Workspace(project.workspace(place), exercises)
    if hint is not None:
        _hint(workspace, hint)
    elif solution is not None:
        _solution(workspace, exercises.part(solution))
    elif reset is not None:
        backup = workspace.reset(None if reset == ALL else exercises.part(reset))
        click.echo(f"blank again: {'all parts' if reset == ALL else reset}; what you wrote is in {_shown(backup)}")
    else:
        workspace.create()
        _introduce(exercises, workspace)


def exercises_of(project: Project, chapter: Chapter) -> "Exercises":
    """The exercises of a chapter, or of the chapter that a copy was made from."""
    from cli.grading.spec import Exercises

    return Exercises(project.original(chapter).folder)


def _introduce(exercises: "Exercises", workspace: "Workspace") -> None:
    folder, name = _shown(workspace.folder), workspace.folder.name
    click.echo(f"{folder} is yours. To be written, in this order:\n")
    width = max(len(part.part) for part in exercises.parts)
    for part in exercises.parts:
        region = exercises.region(part)
        click.echo(f"    {part.part:<{width}}  {folder}/{region.file}: {region.what}")
    click.echo(
        f"\nWhat is right so far: ./scratch check {name}\nA hint:               ./scratch exercise {name} --hint"
    )


def _hint(workspace: "Workspace", asked: str) -> None:
    name, _, step = asked.rpartition(":") if ":" in asked or asked.isdecimal() else (asked, "", "")
    part = workspace.current() if name in ("", NEXT) else workspace.exercises.part(name)
    if step and not step.isdecimal():
        raise InputError(f"--hint {asked}: the step should be a number, as in --hint {part.part}:1")
    number, text = workspace.next_hint(part, int(step) if step else None)
    click.echo(f"{part.part}, hint {number} of {len(part.hints)}: {text}")
    if number == len(part.hints):
        click.echo(
            f"That was the last. The solution: ./scratch exercise {workspace.folder.name} --solution {part.part}"
        )


def _solution(workspace: "Workspace", part: "Part") -> None:
    backup = workspace.solve(part)
    file = _shown(workspace.folder / workspace.exercises.region(part).file)
    click.echo(f"written into {file}; what you had is in {_shown(backup)}\n\n{workspace.exercises.solution(part)}")


def _shown(path: Path) -> str:
    return os.path.relpath(path)
