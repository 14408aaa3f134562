"""`scratch ui`."""

from pathlib import Path

import click

from cli.options import DEBUG, passed_on
from project.chapters import Project
from project.venvs import Venv
from utils.errors import InputError
from utils.runs import LATEST
from utils.terminal.processes import become

STAGE = "interface"


@click.command("ui")
@click.argument("chapter", metavar="[NN]", required=False)
@click.option(
    "--checkpoint",
    metavar="REF",
    show_default="latest",
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
    project: Project,
    chapter: str | None,
    checkpoint: str | None,
    port: int,
    host: str,
    outputs: Path | None,
    debug: bool,
) -> None:
    """Serve a page for the browser: to try a model of chapter NN, or without NN to look at all runs.

    \b
        scratch ui 03      draw a digit, and see what the network makes of it
        scratch ui         the runs of all chapters, and their curves
    """
    if chapter is None and checkpoint is not None:
        raise InputError(f"--checkpoint needs the chapter whose model it is: scratch ui NN --checkpoint {checkpoint}")
    place = None if chapter is None else project.trained(chapter, checkpoint or LATEST, outputs)
    venv = _any_venv(project) if place is None else project.venv(place)
    venv.ensure(STAGE)
    given = {"--checkpoint": checkpoint, "--host": host, "--port": port, "--outputs": outputs, "--debug": debug}
    named = [] if place is None else [str(place.folder)]
    become(venv.python, ["-P", "-m", "deployment.interface", *named, *passed_on(given)])


def _any_venv(project: Project) -> Venv:
    """Of the chapters' environments the first that is ready, or nearly so: runs are read alike in all of them."""
    venvs = [project.venv(chapter) for chapter in project.chapters()]
    if not venvs:
        raise InputError("there is no chapter yet, and so there are no runs")
    ready = [venv for stage in (STAGE, "base") for venv in venvs if venv.is_ready(stage)]
    return (ready or venvs)[0]
