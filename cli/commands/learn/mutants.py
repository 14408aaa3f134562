"""`scratch mutants`."""

import click

from project.chapters import Project
from utils.terminal.processes import ONE_THREAD, become


@click.command("mutants")
@click.argument("chapter", metavar="NN")
@click.option("--limit", type=click.FloatRange(min=1), default=300, show_default=True, help="Seconds for an edit.")
@click.pass_obj
def command(project: Project, chapter: str, limit: float) -> None:
    """Apply each small edit of tests/idea_mutants.yaml to a copy of chapter NN, and run its tests there.

    Each edit removes an idea of the chapter. Says which test noticed it; the exit code is 1 if one goes unnoticed.
    """
    place = project.original(project.chapter(chapter))
    venv = project.venv(place)
    venv.ensure("dev")
    become(venv.python, ["-P", "-m", "cli.grading.mutants", str(place.folder), str(limit)], ONE_THREAD)
