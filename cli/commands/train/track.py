"""`scratch track`."""

from pathlib import Path

import click

from cli.environment import continue_with_run
from cli.options import DEBUG, RUN_OUTPUTS
from project.chapters import Project


@click.command("track")
@click.argument("run", metavar="RUN")
@click.option("--to", "tracker", required=True, metavar="NAME", help="tensorboard, wandb or mlflow.")
@click.option("--uri", metavar="URI", help="The MLflow server; else what the run's config says.")
@click.option("--project", "wandb_project", metavar="NAME", help="The wandb project; else what the run's config says.")
@RUN_OUTPUTS
@DEBUG
@click.pass_obj
def command(
    project: Project, run: str, tracker: str, uri: str | None, wandb_project: str | None, outputs: Path | None
) -> None:
    """Show a run on a tracker: rows, pictures and checkpoints, from what is in its folder.

    RUN is the id of a run, its folder in models/, or latest: the newest of all chapters, or of --outputs.

    For a run that was made without that tracker, or whose tracker failed. The event files of TensorBoard are made
    anew; on wandb, delete the run first if it is there, or its rows are added to it.
    """
    _, folder = continue_with_run(project, run, outputs, "base")
    from engine.tracking.backfill import rebuild

    changes = {"mlflow": {"uri": uri}, "wandb": {"project": wandb_project}}.get(tracker, {})
    changes = {setting: value for setting, value in changes.items() if value is not None}
    for line in rebuild(folder.parents[1], folder.name, tracker, changes):
        click.echo(line)
