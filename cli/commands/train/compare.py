"""`scratch compare`."""

from pathlib import Path

import click

from cli.environment import continue_with_run
from cli.options import RUN_OUTPUTS
from project.chapters import Project


@click.command("compare")
@click.argument("run", metavar="RUN")
@RUN_OUTPUTS
@click.pass_obj
def command(project: Project, run: str, outputs: Path | None) -> int:
    """Hold a run against the band of its experiment: what its seeds did when they were reproduced.

    RUN is the id of a run, its folder in models/, or latest: the newest of all chapters, or of --outputs. Says in words
    where loss, gradient norm or the monitored metric leaves the band, and draws it. The exit code is 1 where one does.
    """
    chapter, folder = continue_with_run(project, run, outputs, "base")
    from experiment.compare import compare

    compared = compare(chapter.folder, folder.parents[1], folder.name)
    for metric, departure in compared.departures.items():
        click.echo(departure or f"{metric} stays inside the band")
    click.echo(f"drew {compared.picture}")
    return 1 if any(compared.departures.values()) else 0
