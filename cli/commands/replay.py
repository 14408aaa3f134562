"""`scratch replay`."""

import click

from cli.chapters import Project
from cli.processes import become


@click.command("replay")
@click.argument("run_id", metavar="RUN_ID")
@click.pass_obj
def command(project: Project, run_id: str) -> None:
    """Make a finished run again and compare the two, bit for bit.

    From the run's config.yaml and the settings in its environment.json, in its chapter's environment. Says where
    versions, hardware or code are no longer those of the run. The exit code is 1 where anything differs but times.
    """
    chapter = project.chapter_of(run_id)
    venv = project.venv(chapter)
    venv.ensure("base")
    become(venv.python, ["-m", "cli.replay_tool", str(chapter.folder), str(chapter.folder / "outputs"), run_id])
