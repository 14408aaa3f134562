"""`scratch track`."""

from pathlib import Path

import click

from cli.chapters import Chapter, Project
from cli.options import DEBUG
from cli.processes import become
from utils.errors import InputError


@click.command("track")
@click.argument("run_id", metavar="RUN")
@click.option("--to", "tracker", required=True, metavar="NAME", help="tensorboard, wandb or mlflow.")
@click.option("--uri", metavar="URI", help="The MLflow server; else what the run's config says.")
@click.option("--project", metavar="NAME", help="The wandb project; else what the run's config says.")
@click.option("--outputs", type=click.Path(path_type=Path), help="Where the run is; default: any chapter's outputs/.")
@DEBUG
@click.pass_obj
def command(
    project_: Project,
    run_id: str,
    tracker: str,
    uri: str | None,
    project: str | None,
    outputs: Path | None,
    debug: bool,
) -> None:
    """Show the run RUN on a tracker: rows, pictures and checkpoints, from what is in its folder.

    For a run that was made without that tracker, or whose tracker failed. The event files of TensorBoard are made
    anew; on wandb, delete the run first if it is there, or its rows are added to it.
    """
    chapter = _chapter_of(project_, run_id, outputs)
    venv = project_.venv(chapter)
    venv.ensure("base")
    options = [f"--uri={uri}"] if uri else []
    options += [f"--project={project}"] if project else []
    options += ["--debug"] if debug else []
    place = outputs or chapter.folder / "outputs"
    become(venv.python, ["-P", "-m", "cli.rebuild", *options, "--", str(place.resolve()), run_id, tracker])


def _chapter_of(project: Project, run_id: str, outputs: Path | None) -> Chapter:
    """The chapter that made the run, as far as folders tell; any will do to read a run from a folder that is named."""
    chapters = project.chapters()
    if outputs is not None and chapters:
        return chapters[0]
    for chapter in chapters:
        if (chapter.folder / "outputs/models" / run_id / "config.yaml").exists():
            return chapter
    raise InputError(f"no chapter has a run '{run_id}'; its id is the name of a folder in models/NN/outputs/models/")
