"""`scratch replay`."""

from pathlib import Path

import click

from cli.environment import continue_with_run
from cli.options import RUN_OUTPUTS
from project.chapters import Project


@click.command("replay")
@click.argument("run", metavar="RUN")
@RUN_OUTPUTS
@click.pass_obj
def command(project: Project, run: str, outputs: Path | None) -> int:
    """Make a run again and compare the two bit for bit.

    RUN is the id of a run, its folder in models/, or latest: the newest of all chapters, or of --outputs. It is made
    again from its config.yaml and the settings in its environment.json, in its chapter's environment. Says where
    versions, hardware or code are no longer those of the run. The exit code is 1 where anything differs but times.
    """
    chapter, folder = continue_with_run(project, run, outputs, "base")
    from experiment.replay import replay

    replayed = replay(
        chapter.folder, folder.parents[1], folder.name, lambda text: click.echo(f"warning: {text}", err=True)
    )
    for name in replayed.different:
        click.echo(f"differs: {name}")
    same = replayed.parts - len(replayed.different)
    click.echo(f"{same} of {replayed.parts} parts of run {folder.name} are the same to the last bit")
    return 1 if replayed.different else 0
