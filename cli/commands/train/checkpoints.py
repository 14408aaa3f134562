"""`scratch checkpoints`."""

from pathlib import Path
from typing import NoReturn

import click

from cli.options import OUTPUTS
from project.chapters import Project
from utils.terminal.groups import Group
from utils.terminal.processes import become

_CHAPTER = click.argument("chapter", metavar="NN")


@click.group("checkpoints", cls=Group)
def command() -> None:
    """List, verify and prune the checkpoints of a chapter."""


@command.command("list")
@_CHAPTER
@OUTPUTS
@click.pass_obj
def list_(project: Project, chapter: str, outputs: Path | None) -> None:
    """List the checkpoints of chapter NN: run, status, step, size."""
    _look(project, chapter, outputs, "list")


@command.command("verify")
@_CHAPTER
@click.argument("run", metavar="[RUN]", required=False)
@OUTPUTS
@click.pass_obj
def verify(project: Project, chapter: str, run: str | None, outputs: Path | None) -> None:
    """Check that the checkpoints of chapter NN, or of its run RUN, are whole.

    Reads every file and compares it with the digest in it. The exit code is 1 where one is damaged.
    """
    _look(project, chapter, outputs, "verify", *([run] if run else []))


@command.command("prune")
@_CHAPTER
@OUTPUTS
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@click.option("--yes", is_flag=True, help="Delete without asking.")
@click.pass_obj
def prune(project: Project, chapter: str, outputs: Path | None, dry_run: bool, yes: bool) -> None:
    """Delete the checkpoints of chapter NN that nobody needs any more.

    Of a finished run one whole checkpoint stays, the best one where there is one. Of a run that did not finish all
    stay. What killed processes left half-written goes, and so do runs that had no config yet.
    """
    _look(project, chapter, outputs, "prune", *["--dry-run"] * dry_run, *["--yes"] * yes)


def _look(project: Project, name: str, outputs: Path | None, what: str, *arguments: str) -> NoReturn:
    """Become `cli.checkpoint_tool` in the chapter's environment, which has torch."""
    chapter = project.chapter(name)
    venv = project.venv(chapter)
    venv.ensure("base")
    folder = outputs or chapter.folder / "outputs"
    become(venv.python, ["-m", "cli.checkpoint_tool", what, str(folder.absolute()), *arguments])
