"""`scratch compare`."""

from pathlib import Path

import click

from project.chapters import Project
from project.runs import find_made_run
from utils.terminal.processes import become


@click.command("compare")
@click.argument("run", metavar="RUN")
@click.option(
    "--outputs", type=click.Path(path_type=Path), help="Where the results are; default: the outputs/ of each chapter."
)
@click.pass_obj
def command(project: Project, run: str, outputs: Path | None) -> None:
    """Hold a run against the band of its experiment: what its seeds did when they were reproduced.

    RUN is the id of a run, its folder in models/, or latest: the newest of all chapters, or of --outputs. Says in words
    where loss, gradient norm or the monitored metric leaves the band, and draws it. The exit code is 1 where one does.
    """
    chapter, folder = find_made_run(project, run, outputs)
    venv = project.venv(chapter)
    venv.ensure("base")
    become(venv.python, ["-P", "-m", "cli.compare_tool", str(chapter.folder), str(folder.parents[1]), folder.name])
