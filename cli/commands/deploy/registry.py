"""`scratch registry`."""

from pathlib import Path

import click

from cli.environment import continue_in, continue_with_run
from cli.options import DEBUG, PATH, RUN_OUTPUTS
from project.chapters import Project
from utils.terminal.groups import Group

_URI = click.option(
    "--uri",
    metavar="URI",
    help="The registry: sqlite:///FILE, or the address of an MLflow server; default: $MLFLOW_TRACKING_URI, else "
    "outputs/registry/mlflow.db in this clone.",
)


@click.group("registry", cls=Group)
def command() -> None:
    """Keep trained models as versions, and say by an alias which one is in use.

    \b
        scratch registry register RUN_ID
        scratch registry promote 03 1 prod
    """


@command.command("register")
@click.argument("run", metavar="RUN")
@RUN_OUTPUTS
@_URI
@DEBUG
@click.pass_obj
def register(project: Project, run: str, outputs: Path | None, uri: str | None) -> None:
    """Make a finished run the next version of its chapter's model.

    RUN is the id of a run, its folder in models/, or latest: the newest of all chapters, or of --outputs.

    Kept are its checkpoint, config, results and record, an ONNX export that was compared with the checkpoint, its
    signature and a model card.
    """
    chapter, folder = continue_with_run(project, run, outputs, "registry", "export")
    from deployment.registry.client import Registry
    from deployment.registry.lifecycle import register as register_run
    from deployment.registry.uri import shown

    registry = Registry(uri, create=True)
    version = register_run(registry, chapter.folder, folder)
    click.echo(f"registered run {folder.name} as {version}, at {shown(registry.uri)}\nversion: {version.number}")


@command.command("list")
@click.argument("name", metavar="[NAME]", required=False)
@_URI
@DEBUG
@click.pass_obj
def list_(project: Project, name: str | None, uri: str | None) -> None:
    """List the registered models, or the versions of the chapter NAME."""
    model = None if name is None else project.chapter(name).name
    continue_in(project.venv(), "registry")
    from deployment.registry.client import Registry
    from deployment.registry.listing import models, versions

    registry = Registry(uri)
    click.echo(models(registry) if model is None else versions(registry, model))


@command.command("promote")
@click.argument("name", metavar="NAME")
@click.argument("version", metavar="VERSION")
@click.argument("alias", metavar="ALIAS")
@click.option("--new-signature", is_flag=True, help="Let it take or give something else than the version it follows.")
@_URI
@DEBUG
@click.pass_obj
def promote(project: Project, name: str, version: str, alias: str, new_signature: bool, uri: str | None) -> int:
    """Let ALIAS (dev, staging, prod or archived) name a version of the chapter NAME, and no other one.

    VERSION is a number, or an alias that it has. For staging and prod the chapter's claims must hold for the model, its
    checkpoint must measure what was recorded, its export must agree with it, and its signature must be that of the
    version before it. Whatever fails is named, nothing is changed, and the exit code is 1.
    """
    chapter = project.chapter(name)
    continue_in(project.venv(chapter), "registry", "export")
    from deployment.registry.client import Registry
    from deployment.registry.lifecycle import promote as promote_version

    promoted, reasons = promote_version(Registry(uri), chapter.folder, version, alias, new_signature)
    for reason in reasons:
        click.echo(f"refused: {promoted} as {alias}: {' '.join(reason.split())}", err=True)
    if not reasons:
        click.echo(f"{promoted} is {alias}{' already' if alias in promoted.aliases else ''}")
    return 1 if reasons else 0


@command.command("load")
@click.argument("name", metavar="NAME")
@click.argument("version", metavar="ALIAS|VERSION")
@click.option("--to", "folder", type=PATH, help="The folder; default: outputs/registered/VERSION of the chapter.")
@_URI
@DEBUG
@click.pass_obj
def load(project: Project, name: str, version: str, folder: Path | None, uri: str | None) -> None:
    """Put the files of a version of the chapter NAME into a folder, each verified."""
    chapter = project.chapter(name)
    continue_in(project.venv(chapter), "registry")
    from deployment.registry.client import Registry

    registry = Registry(uri)
    loaded = registry.resolve(chapter.name, version)
    to = registry.fetch(loaded, folder or chapter.folder / "outputs/registered" / str(loaded.number))
    click.echo(f"{loaded} is in {to}")
