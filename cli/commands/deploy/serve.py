"""`scratch serve`."""

from pathlib import Path

import click

from cli.options import DEBUG, DEVICE, OUTPUTS, passed_on
from project.chapters import Project
from utils.errors import InputError
from utils.terminal.processes import become


@click.command("serve")
@click.argument("chapter", metavar="NN")
@click.option("--checkpoint", metavar="REF", help="A file, a run id, 'latest', or a wandb artifact.")
@click.option(
    "--alias", metavar="NAME", help="Instead: the version that has this alias in the registry, also later on."
)
@click.option(
    "--registry",
    metavar="URI",
    help="With --alias: sqlite:///FILE or an MLflow server; default: $MLFLOW_TRACKING_URI, else the clone's own.",
)
@click.option("--host", metavar="ADDRESS", help="Where to listen; 0.0.0.0 for all the machine's addresses.")
@click.option("--port", type=click.IntRange(0, 65535), metavar="N", help="0 takes any that is free.")
@click.option(
    "--api-key-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Keys, one a line, of which clients need one; without it the one in $SCRATCH_API_KEY.",
)
@click.option(
    "--settings",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="YAML that changes deployment/api/settings.yaml.",
)
@DEVICE
@OUTPUTS
@DEBUG
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...", type=click.UNPROCESSED)
@click.pass_obj
def command(
    project: Project,
    chapter: str,
    checkpoint: str | None,
    alias: str | None,
    registry: str | None,
    host: str | None,
    port: int | None,
    api_key_file: Path | None,
    settings: Path | None,
    device: str,
    outputs: Path | None,
    debug: bool,
    overrides: tuple[str, ...],
) -> None:
    """Serve a trained model of chapter NN over HTTP.

    KEY=VALUE changes a setting of the server.

    \b
        scratch serve 03 --checkpoint latest
        scratch serve 03 --checkpoint latest --port 9000 batching.max_wait_ms=2
        scratch serve 03 --alias prod
    """
    if (checkpoint is None) == (alias is None):
        raise InputError("say what to serve: either --checkpoint REF or --alias NAME")
    if checkpoint is not None and registry is not None:
        raise InputError("--registry says where an alias is looked up; give it with --alias, not with --checkpoint")
    if alias is not None and outputs is not None:
        raise InputError("--outputs says where a run is looked up; give it with --checkpoint, not with --alias")
    place = project.served(chapter)
    venv = project.venv(place)
    venv.ensure("api")
    if alias is not None:
        venv.ensure("registry")
    given = {
        "--checkpoint": checkpoint,
        "--alias": alias,
        "--registry": registry,
        "--device": device,
        "--outputs": outputs,
        "--api-key-file": api_key_file,
        "--settings": settings,
        "--debug": debug,
    }
    listen = [f"server.{name}={value}" for name, value in (("host", host), ("port", port)) if value is not None]
    arguments = [str(place.folder), *passed_on(given), "--", *overrides, *listen]
    become(venv.python, ["-P", "-m", "deployment.api", *arguments])
