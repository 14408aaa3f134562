"""`scratch serve`."""

from pathlib import Path

import click

from cli.environment import continue_in
from cli.options import DEBUG, DEVICE, OUTPUTS, PATH
from project.chapters import Project
from utils.errors import InputError


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
    "key_file",
    type=PATH,
    metavar="FILE",
    help="Keys, one a line, of which clients need one; without it the one in $SCRATCH_API_KEY.",
)
@click.option(
    "--settings",
    "settings_file",
    type=PATH,
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
    key_file: Path | None,
    settings_file: Path | None,
    device: str,
    outputs: Path | None,
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
    continue_in(project.venv(place), "api", *([] if alias is None else ["registry"]))
    from deployment.api.http.keys import read_keys
    from deployment.api.http.listening import listener
    from deployment.api.settings import read_settings

    listen = [f"server.{name}={value}" for name, value in (("host", host), ("port", port)) if value is not None]
    settings, keys = read_settings(settings_file, (*overrides, *listen)), read_keys(key_file)
    listening = listener(settings.server)  # before torch, so that a port in use is answered at once
    from deployment.api.serve import serve_alias, serve_model

    if alias is not None:
        from deployment.api.model.reload import AliasSource

        return serve_alias(AliasSource(place.folder, alias, registry, device), settings, keys, listening)
    from inference.predictor import Predictor

    assert checkpoint is not None
    serve_model(Predictor.from_checkpoint(place.folder, checkpoint, outputs, device), settings, keys, listening)
