"""`scratch registry`."""

from pathlib import Path
from typing import NoReturn

import click

from cli.options import DEBUG
from project.chapters import Chapter, Project
from project.runs import find_made_run
from utils.terminal.groups import Group
from utils.terminal.processes import become

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
@click.option("--outputs", type=click.Path(path_type=Path), help="Where the run is; default: the chapters' outputs/.")
@_URI
@DEBUG
@click.pass_obj
def register(project: Project, run: str, outputs: Path | None, uri: str | None, debug: bool) -> None:
    """Make a finished run the next version of its chapter's model.

    RUN is the id of a run, its folder in models/, or latest: the newest of all chapters, or of --outputs.

    Kept are its checkpoint, config, results and record, an ONNX export that was compared with the checkpoint, its
    signature and a model card.
    """
    chapter, folder = find_made_run(project, run, outputs)
    _work(project, chapter, ["registry", "export"], "register", uri, debug, str(chapter.folder), str(folder))


@command.command("list")
@click.argument("name", metavar="[NAME]", required=False)
@_URI
@DEBUG
@click.pass_obj
def list_(project: Project, name: str | None, uri: str | None, debug: bool) -> None:
    """List the registered models, or the versions of the chapter NAME."""
    named = [] if name is None else [project.chapter(name).name]
    _work(project, None, ["registry"], "list", uri, debug, *named)


@command.command("promote")
@click.argument("name", metavar="NAME")
@click.argument("version", metavar="VERSION")
@click.argument("alias", metavar="ALIAS")
@click.option("--new-signature", is_flag=True, help="Let it take or give something else than the version it follows.")
@_URI
@DEBUG
@click.pass_obj
def promote(
    project: Project, name: str, version: str, alias: str, new_signature: bool, uri: str | None, debug: bool
) -> None:
    """Let ALIAS (dev, staging, prod or archived) name a version of the chapter NAME, and no other one.

    VERSION is a number, or an alias that it has. For staging and prod the chapter's claims must hold for the model, its
    checkpoint must measure what was recorded, its export must agree with it, and its signature must be that of the
    version before it. Whatever fails is named, nothing is changed, and the exit code is 1.
    """
    chapter = project.chapter(name)
    flags = ["--new-signature"] if new_signature else []
    folder = str(chapter.folder)
    _work(project, chapter, ["registry", "export"], "promote", uri, debug, *flags, folder, version, alias)


@command.command("load")
@click.argument("name", metavar="NAME")
@click.argument("version", metavar="ALIAS|VERSION")
@click.option(
    "--to", type=click.Path(path_type=Path), help="The folder; default: outputs/registered/VERSION of the chapter."
)
@_URI
@DEBUG
@click.pass_obj
def load(project: Project, name: str, version: str, to: Path | None, uri: str | None, debug: bool) -> None:
    """Put the files of a version of the chapter NAME into a folder, each verified."""
    chapter = project.chapter(name)
    options = [] if to is None else ["--to", str(to.absolute())]
    _work(project, chapter, ["registry"], "load", uri, debug, *options, str(chapter.folder), version)


def _work(
    project: Project, chapter: Chapter | None, stages: list[str], what: str, uri: str | None, debug: bool, *given: str
) -> NoReturn:
    """Become `deployment.registry` in the environment of a chapter, or in the root's."""
    venv = project.venv(chapter)
    for stage in stages:
        venv.ensure(stage)
    options = [*(["--uri", uri] if uri else []), *given]
    become(venv.python, ["-P", "-m", "deployment.registry", *["--debug"] * debug, what, *options])
