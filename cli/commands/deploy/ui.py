"""`scratch ui`."""

import os
import tempfile
from pathlib import Path

import click

from cli.environment import continue_in
from cli.options import DEBUG, PATH
from project.chapters import Project
from project.venvs import Venv
from utils.errors import InputError
from utils.runs import LATEST

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
@click.option("--outputs", type=PATH, help="Where the runs are; default: the chapters' outputs/.")
@DEBUG
@click.pass_obj
def command(
    project: Project,
    chapter: str | None,
    checkpoint: str | None,
    port: int,
    host: str,
    outputs: Path | None,
) -> int:
    """Serve a page for the browser: to try a model of chapter NN, or without NN to look at all runs.

    \b
        scratch ui 03      draw a digit, and see what the network makes of it
        scratch ui         the runs of all chapters, and their curves
    """
    if chapter is None and checkpoint is not None:
        raise InputError(f"--checkpoint needs the chapter whose model it is: scratch ui NN --checkpoint {checkpoint}")
    place = None if chapter is None else project.trained(chapter, checkpoint or LATEST, outputs)
    continue_in(_any_venv(project) if place is None else project.venv(place), STAGE)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when gradio is imported: it would ask the network
    with tempfile.TemporaryDirectory(prefix="scratch-ui-") as uploads:
        os.environ["GRADIO_TEMP_DIR"] = uploads
        from deployment.interface.server import serve

        if place is None:
            from deployment.interface.pages.runs import runs_page

            return serve(runs_page(project, outputs), "runs", host, port)
        from deployment.interface.pages.chapter import chapter_page
        from inference import Predictor

        predictor = Predictor.from_checkpoint(place.folder, checkpoint or LATEST, outputs)
        return serve(chapter_page(place, predictor), place.name, host, port)


def _any_venv(project: Project) -> Venv:
    """Of the chapters' environments the first that is ready, or nearly so: runs are read alike in all of them."""
    venvs = [project.venv(chapter) for chapter in project.chapters()]
    if not venvs:
        raise InputError("there is no chapter yet, and so there are no runs")
    ready = [venv for stage in (STAGE, "base") for venv in venvs if venv.is_ready(stage)]
    return (ready or venvs)[0]
