"""`scratch train`."""

import click

from project.chapters import Project
from utils.terminal.processes import become


@click.command("train", context_settings={"allow_interspersed_args": False})
@click.argument("chapter", metavar="NN")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def command(project: Project, chapter: str, arguments: tuple[str, ...]) -> None:
    """Train the model of chapter NN: its src/train.py, in its own virtual environment.

    Everything after NN goes to the script as it is. For instance

    \b
        scratch train 01 --experiment xor --visualize

    and `scratch train NN --help` shows all it takes.
    """
    start(project, chapter, "train.py", arguments)


def start(project: Project, name: str, script: str, arguments: tuple[str, ...]) -> None:
    """Become the script of a chapter, in its environment."""
    chapter = project.chapter(name)
    venv = project.venv(chapter)
    venv.ensure("base")
    become(venv.python, [str(chapter.folder / "src" / script), *arguments])
