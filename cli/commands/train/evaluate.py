"""`scratch evaluate`."""

import click

from cli.commands.train.train import start
from project.chapters import Project


@click.command("evaluate", context_settings={"allow_interspersed_args": False})
@click.argument("chapter", metavar="NN")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def command(project: Project, chapter: str, arguments: tuple[str, ...]) -> None:
    """Evaluate a checkpoint of chapter NN: its src/evaluate.py, in its own virtual environment.

    Everything after NN goes to the script as it is. For instance

    \b
        scratch evaluate 01 --checkpoint latest --experiment xor

    and `scratch evaluate NN --help` shows all it takes.
    """
    start(project, chapter, "evaluate.py", arguments)
