"""`scratch replay`."""

from pathlib import Path

import click

from project.chapters import Project
from project.runs import find_made_run
from utils.terminal.processes import become


@click.command("replay")
@click.argument("run", metavar="RUN")
@click.option(
    "--outputs", type=click.Path(path_type=Path), help="Where the results are; default: the outputs/ of each chapter."
)
@click.pass_obj
def command(project: Project, run: str, outputs: Path | None) -> None:
    """Make a run again and compare the two bit for bit.

    RUN is the id of a run, its folder in models/, or latest: the newest of all chapters, or of --outputs. It is made
    again from its config.yaml and the settings in its environment.json, in its chapter's environment. Says where
    versions, hardware or code are no longer those of the run. The exit code is 1 where anything differs but times.
    """
    chapter, folder = find_made_run(project, run, outputs)
    venv = project.venv(chapter)
    venv.ensure("base")
    become(venv.python, ["-m", "cli.replay_tool", str(chapter.folder), str(folder.parents[1]), folder.name])
