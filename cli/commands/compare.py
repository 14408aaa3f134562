"""`scratch compare`."""

import click

from cli.chapters import Project
from cli.processes import become
from utils.errors import InputError


@click.command("compare")
@click.argument("run_id", metavar="RUN_ID")
@click.option("--chapter", "name", metavar="NN", help="Whose run it is; looked for in every chapter unless given.")
@click.pass_obj
def command(project: Project, run_id: str, name: str | None) -> None:
    """Hold a run against the band of its experiment: what its seeds did when they were reproduced.

    Says in words where loss, gradient norm or the monitored metric leaves the band, and draws it. The exit code is 1
    where one does.
    """
    chapter = project.chapter(name) if name else project.chapter_of(run_id)
    outputs = chapter.folder / "outputs"
    if not (outputs / "models" / run_id / "config.yaml").is_file():
        raise InputError(f"{chapter.name} has no run '{run_id}'; leave out --chapter to look in every chapter")
    venv = project.venv(chapter)
    venv.ensure("base")
    become(venv.python, ["-P", "-m", "cli.compare_tool", str(chapter.folder), str(outputs), run_id])
