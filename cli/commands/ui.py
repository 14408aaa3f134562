"""`scratch ui`."""

from pathlib import Path

import click

from cli.chapters import Chapter, Project
from cli.options import DEBUG, passed_on
from cli.processes import become
from cli.venvs import Venv
from utils.errors import InputError

STAGE = "interface"


@click.command("ui")
@click.argument("chapter", metavar="[NN]", required=False)
@click.option(
    "--checkpoint",
    default="latest",
    show_default=True,
    metavar="REF",
    help="A file, a run id, 'latest', or a wandb artifact.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=7860, show_default=True, help="0 is any that is free.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at; 0.0.0.0 is every one.")
@click.option(
    "--outputs", type=click.Path(path_type=Path), help="Where the runs are; default: the outputs/ of the chapters."
)
@DEBUG
@click.pass_obj
def command(
    project: Project, chapter: str | None, checkpoint: str, port: int, host: str, outputs: Path | None, debug: bool
) -> None:
    """Serve a page for the browser: to try a model of chapter NN, or without NN to look at all runs.

    \b
        scratch ui 03      draw a digit, and see what the network makes of it
        scratch ui         the runs of all chapters, and their curves
    """
    place = None if chapter is None else project.served(chapter)
    if place is not None:
        _check(place, checkpoint, outputs)
    venv = _any_venv(project) if place is None else project.venv(place)
    venv.ensure(STAGE)
    given = {"--checkpoint": checkpoint, "--host": host, "--port": port, "--outputs": outputs, "--debug": debug}
    named = [] if place is None else [str(place.folder)]
    become(venv.python, ["-P", "-m", "deployment.interface", *named, *passed_on(given)])


def _check(chapter: Chapter, checkpoint: str, outputs: Path | None) -> None:
    """Say at once what would be found missing only after the packages are installed."""
    found = (outputs or chapter.folder / "outputs").glob("models/*/config.yaml")
    if checkpoint == "latest" and not any(found):
        known = ", ".join(experiment.name for experiment in chapter.experiments())
        train = f"./scratch train {chapter.name} --experiment NAME"
        raise InputError(f"{chapter.name} has no trained model yet; make one: {train}, where NAME is one of: {known}")


def _any_venv(project: Project) -> Venv:
    """Of the chapters' environments the first that is ready, or nearly so: runs are read alike in all of them."""
    venvs = [project.venv(chapter) for chapter in project.chapters()]
    if not venvs:
        raise InputError("there is no chapter yet, and so there are no runs")
    ready = [venv for stage in (STAGE, "base") for venv in venvs if venv.is_ready(stage)]
    return (ready or venvs)[0]
