"""`scratch check`."""

import click

from cli.commands.learn.exercise import exercises_of
from project.chapters import Project
from utils.errors import InputError
from utils.terminal.processes import ONE_THREAD, become


@click.command("check")
@click.argument("chapter", metavar="NN")
@click.argument("part", required=False, metavar="[PART]")
@click.option("--limit", type=click.FloatRange(min=1), default=60, show_default=True, help="Seconds for a part.")
@click.option("--prove", is_flag=True, help="For authors: show that the graders catch each wrong solution.")
@click.pass_obj
def command(project: Project, chapter: str, part: str | None, limit: float, prove: bool) -> None:
    """Grade your copy of chapter NN, part by part; or PART alone.

    The chapter's own tests run on what you wrote, in the order in which the parts build on each other, up to the first
    that fails. The exit code is 1 while something is missing or wrong.
    """
    place = project.chapter(chapter)
    exercises = exercises_of(project, place)
    if prove and part:
        raise InputError("--prove is about the chapter's own parts, all of them; leave out the part")
    if part:
        exercises.part(part)
    workspace = project.workspace(place)
    if not prove and not workspace.is_dir():
        raise InputError(f"there is nothing to check yet; make your copy with `./scratch exercise {chapter}`")
    venv = project.venv(place)
    venv.ensure("dev")
    tool = ["-m", "cli.grading.prove"] if prove else ["-m", "cli.grading.check"]
    paths = [str(exercises.chapter)] if prove else [str(exercises.chapter), str(workspace)]
    become(venv.python, ["-P", *tool, *paths, str(limit), *([part] if part else [])], env=ONE_THREAD)
