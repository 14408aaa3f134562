"""`scratch checkpoints`."""

import sys
from pathlib import Path

import click

from cli.environment import continue_in
from cli.options import OUTPUTS
from project.chapters import Project
from utils.errors import InputError
from utils.files import cannot_write, delete, size_of
from utils.runs import find_run, run_folders
from utils.terminal.groups import Group
from utils.terminal.table import table

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
    _print_table(_outputs_with_runs(project, chapter, outputs), None)


@command.command("verify")
@_CHAPTER
@click.argument("run", metavar="[RUN]", required=False)
@OUTPUTS
@click.pass_obj
def verify(project: Project, chapter: str, run: str | None, outputs: Path | None) -> int:
    """Check that the checkpoints of chapter NN, or of its run RUN, are whole.

    Reads every file and compares it with the digest in it. The exit code is 1 where one is damaged.
    """
    folder = _outputs_with_runs(project, chapter, outputs)
    problems = _print_table(folder, find_run(run, [folder], str(folder)).name if run else None)
    for problem in problems:
        click.echo(f"error: {problem}", err=True)
    return 1 if problems else 0


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
    folder = _outputs_of(project, chapter, outputs)
    from engine.checkpoint.prune import superfluous

    paths = superfluous(folder)
    if not paths:
        _refuse_without_runs(folder)
        click.echo("nothing to delete")
        return
    size = f"{len(paths)} files, {sum(map(size_of, paths)) / 1e6:.1f} MB"
    for path in paths:
        click.echo(path)
    if dry_run:
        click.echo(f"would delete {size}")
    elif not yes and not _agreed(f"delete {size}?"):
        click.echo("nothing was deleted")
    else:
        for path in paths:
            try:
                delete(path)
            except OSError as error:
                raise cannot_write(path, error) from error
        click.echo(f"deleted {size}")


def _outputs_of(project: Project, name: str, outputs: Path | None) -> Path:
    """Go on in the chapter's environment, which has torch; returns where its runs are."""
    chapter = project.chapter(name)
    continue_in(project.venv(chapter), "base")
    return outputs or chapter.folder / "outputs"


def _outputs_with_runs(project: Project, name: str, outputs: Path | None) -> Path:
    folder = _outputs_of(project, name, outputs)
    _refuse_without_runs(folder)
    return folder


def _refuse_without_runs(outputs: Path) -> None:
    if not run_folders([outputs]):
        raise InputError(f"there are no runs in {outputs / 'models'}")


def _agreed(question: str) -> bool:
    if sys.stdin is None or not sys.stdin.isatty():
        raise InputError("nobody is there to be asked: say --yes to delete these, or --dry-run to look")
    return click.confirm(question)


def _print_table(outputs: Path, run: str | None) -> list[str]:
    """Print the checkpoints; returns what is wrong with them."""
    from engine.checkpoint.prune import stored

    checkpoints = stored(outputs, run)
    rows = [
        (
            checkpoint.run_id,
            checkpoint.status,
            checkpoint.path.name,
            "damaged" if checkpoint.step is None else str(checkpoint.step),
            f"{size_of(checkpoint.path) / 1e6:.3f} MB",
        )
        for checkpoint in checkpoints
    ]
    click.echo(table(("run", "status", "file", "step", "size"), rows) if rows else "no checkpoints")
    return [checkpoint.problem for checkpoint in checkpoints if checkpoint.problem is not None]
