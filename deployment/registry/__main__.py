"""The work of `scratch registry`, in an environment that has MLflow: `python -P -m deployment.registry …`."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import click

from deployment.registry.client import ALIASES, Registry
from deployment.registry.uri import shown
from utils.terminal.groups import Group
from utils.terminal.run import run_command
from utils.terminal.table import table

_CHAPTER = click.argument("chapter", type=click.Path(path_type=Path))
_URI = click.option("--uri")


@click.group(cls=Group)
@click.option("--debug", is_flag=True)
def registry(debug: bool) -> None:
    """Register, list, promote and load."""


@registry.command()
@_CHAPTER
@click.argument("run", type=click.Path(path_type=Path))
@_URI
def register(chapter: Path, run: Path, uri: str | None) -> None:
    """Make the run in the folder `run` a version of its chapter's model."""
    from deployment.registry.bundle import assemble
    from deployment.registry.transactions import add

    there = Registry(uri, create=True)
    there.names()  # nothing is exported for a server that does not answer
    with tempfile.TemporaryDirectory() as temporary:
        bundle = Path(temporary, "bundle")
        tags = assemble(chapter, run.parents[1], run.name, bundle)
        version = add(there, chapter.name, bundle, tags)
    click.echo(f"registered run {run.name} as {version}, at {shown(there.uri)}\nversion: {version.number}")


@registry.command("list")
@click.argument("name", required=False)
@_URI
def list_(name: str | None, uri: str | None) -> None:
    """List the models, or the versions of one."""
    there = Registry(uri)
    if name is None:
        models = [(model, there.versions(model), there.aliases(model)) for model in there.names()]
        rows = [
            [model, len(versions), *(aliases.get(alias, "-") for alias in ALIASES)]
            for model, versions, aliases in models
        ]
        click.echo(table(["model", "versions", *ALIASES], rows))
        return
    click.echo(
        table(
            ["version", "alias", "run", "step", "signature", "registered"],
            [
                [
                    version.number,
                    " ".join(version.aliases) or "-",
                    version.tags.get("run_id", "-"),
                    version.tags.get("step", "-"),
                    version.tags.get("signature", "-"),
                    datetime.fromtimestamp(version.created, UTC).strftime("%Y-%m-%d %H:%M UTC"),
                ]
                for version in there.versions(name)
            ],
        )
    )


@registry.command()
@_CHAPTER
@click.argument("version")
@click.argument("alias")
@click.option("--new-signature", is_flag=True)
@_URI
def promote(chapter: Path, version: str, alias: str, new_signature: bool, uri: str | None) -> int:
    """Let the alias name the version; the exit code is 1 where something speaks against it."""
    from deployment.registry.lifecycle import promote

    found, reasons = promote(Registry(uri), chapter, version, alias, new_signature)
    for reason in reasons:
        click.echo(f"refused: {found} as {alias}: {' '.join(reason.split())}", err=True)
    if not reasons:
        click.echo(f"{found} is {alias}{' already' if alias in found.aliases else ''}")
    return 1 if reasons else 0


@registry.command()
@_CHAPTER
@click.argument("which")
@click.option("--to", "into", type=click.Path(path_type=Path))
@_URI
def load(chapter: Path, which: str, into: Path | None, uri: str | None) -> None:
    """Put the bundle of a version into a folder."""
    there = Registry(uri)
    version = there.resolve(chapter.name, which)
    folder = there.fetch(version, into or chapter / "outputs/registered" / str(version.number))
    click.echo(f"{version} is in {folder}")


if __name__ == "__main__":
    run_command(registry, "scratch registry")
