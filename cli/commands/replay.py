"""`scratch replay`."""

import difflib

import click

from cli.chapters import Project
from cli.processes import become
from utils.errors import InputError


@click.command("replay")
@click.argument("run_id", metavar="RUN_ID")
@click.pass_obj
def command(project: Project, run_id: str) -> None:
    """Make a finished run again and compare the two, bit for bit.

    From the run's config.yaml and the settings in its environment.json, in its chapter's environment. Says where
    versions, hardware or code are no longer those of the run. The exit code is 1 where anything differs but times.
    """
    runs = {
        path.parent.name: chapter
        for chapter in project.chapters()
        for path in (chapter.folder / "outputs/models").glob("*/config.yaml")
    }
    if run_id not in runs:
        close = difflib.get_close_matches(run_id, runs, n=1)
        raise InputError(f"no chapter has a run '{run_id}'{f', did you mean {close[0]}?' if close else ''}")
    chapter = runs[run_id]
    venv = project.venv(chapter)
    venv.ensure("base")
    become(venv.python, ["-m", "cli.replay_tool", str(chapter.folder), str(chapter.folder / "outputs"), run_id])
