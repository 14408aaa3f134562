"""`scratch setup`."""

import click

from project.chapters import Project


@click.command("setup")
@click.argument("chapters", nargs=-1, metavar="[NN]...")
@click.option("--all", "everything", is_flag=True, help="Every chapter.")
@click.option("--dev", is_flag=True, help="With the tools for working on it: pytest, black, mypy and so on.")
@click.pass_obj
def command(project: Project, chapters: tuple[str, ...], everything: bool, dev: bool) -> None:
    """Make the virtual environments of the chapters NN, so that training can start at once, or offline.

    NN is a number, a name, or both, as in 1, perceptron, 01_perceptron. The other commands make what they need by
    themselves. To start afresh, delete the folder models/NN/.venv.
    """
    if everything == bool(chapters):
        raise click.UsageError("say which chapters, or --all; `scratch list` shows them")
    for chapter in project.chapters() if everything else project.choose(chapters):
        venv = project.venv(chapter)
        venv.ensure("dev" if dev else "base")
        click.echo(f"{chapter.name}: ready; {venv.python}")
