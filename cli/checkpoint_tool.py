"""The work of `scratch checkpoints`, in an environment that has torch: `python -m cli.checkpoint_tool list OUTPUTS`."""

from pathlib import Path

import click

from utils.errors import InputError
from utils.files import cannot_write
from utils.terminal.groups import Group
from utils.terminal.run import run_command
from utils.terminal.table import table

_OUTPUTS = click.argument("outputs", type=click.Path(path_type=Path))


@click.group(cls=Group)
def group() -> None:
    """See `scratch checkpoints`."""


@group.command("list")
@_OUTPUTS
def list_(outputs: Path) -> None:
    """Print every checkpoint."""
    _show(outputs, None)


@group.command("verify")
@_OUTPUTS
@click.argument("run", required=False)
def verify(outputs: Path, run: str | None) -> int:
    """Print every checkpoint, and what is wrong with it; returns the exit code."""
    from utils.runs import find_run

    problems = _show(outputs, find_run(run, [outputs], str(outputs)).name if run else None)
    for problem in problems:
        click.echo(f"error: {problem}", err=True)
    return 1 if problems else 0


@group.command("prune")
@_OUTPUTS
@click.option("--dry-run", is_flag=True)
@click.option("--yes", is_flag=True)
def prune(outputs: Path, dry_run: bool, yes: bool) -> None:
    """Delete what is superfluous."""
    from engine.checkpoint.prune import superfluous
    from utils.files import delete, size_of

    paths = superfluous(outputs)
    if not paths:
        _with_runs(outputs)
    size = sum(size_of(path) for path in paths) / 1e6
    for path in paths:
        click.echo(path)
    if not paths:
        click.echo("nothing to delete")
    elif dry_run:
        click.echo(f"would delete {len(paths)} files, {size:.1f} MB")
    elif not yes and not _agreed(f"delete {len(paths)} files, {size:.1f} MB?"):
        click.echo("nothing was deleted")
    else:
        for path in paths:
            try:
                delete(path)
            except OSError as error:
                raise cannot_write(path, error) from error
        click.echo(f"deleted {len(paths)} files, {size:.1f} MB")


def _agreed(question: str) -> bool:
    import sys

    if not sys.stdin.isatty():
        raise InputError("nobody is there to be asked: say --yes to delete these, or --dry-run to look")
    return click.confirm(question)


def _show(outputs: Path, run: str | None) -> list[str]:
    """Print a table of checkpoints; returns what is wrong with them."""
    from engine.checkpoint.prune import stored
    from utils.files import size_of

    found = stored(_with_runs(outputs), run)
    rows = [
        (
            each.run_id,
            each.status,
            each.path.name,
            "damaged" if each.step is None else str(each.step),
            f"{size_of(each.path) / 1e6:.3f} MB",
        )
        for each in found
    ]
    click.echo(table(("run", "status", "file", "step", "size"), rows) if rows else "no checkpoints")
    return [each.problem for each in found if each.problem is not None]


def _with_runs(outputs: Path) -> Path:
    from utils.runs import run_folders

    if not run_folders([outputs]):
        raise InputError(f"there are no runs in {outputs / 'models'}")
    return outputs


if __name__ == "__main__":
    run_command(group, "scratch checkpoints")
