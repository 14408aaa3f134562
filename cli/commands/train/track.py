"""`scratch track`."""

from pathlib import Path

import click

from cli.options import DEBUG
from project.chapters import Project
from project.runs import find_made_run
from utils.terminal.processes import become


@click.command("track")
@click.argument("run", metavar="RUN")
@click.option("--to", "tracker", required=True, metavar="NAME", help="tensorboard, wandb or mlflow.")
@click.option("--uri", metavar="URI", help="The MLflow server; else what the run's config says.")
@click.option("--project", metavar="NAME", help="The wandb project; else what the run's config says.")
@click.option("--outputs", type=click.Path(path_type=Path), help="Where the run is; default: any chapter's outputs/.")
@DEBUG
@click.pass_obj
def command(
    project_: Project,
    run: str,
    tracker: str,
    uri: str | None,
    project: str | None,
    outputs: Path | None,
    debug: bool,
) -> None:
    """Show a run on a tracker: rows, pictures and checkpoints, from what is in its folder.

    RUN is the id of a run, its folder in models/, or latest: the newest of all chapters, or of --outputs.

    For a run that was made without that tracker, or whose tracker failed. The event files of TensorBoard are made
    anew; on wandb, delete the run first if it is there, or its rows are added to it.
    """
    chapter, folder = find_made_run(project_, run, outputs)
    venv = project_.venv(chapter)
    venv.ensure("base")
    options = [f"--uri={uri}"] if uri else []
    options += [f"--project={project}"] if project else []
    options += ["--debug"] if debug else []
    become(venv.python, ["-P", "-m", "cli.rebuild", *options, "--", str(folder.parents[1]), folder.name, tracker])
