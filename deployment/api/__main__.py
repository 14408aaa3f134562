"""The work of `scratch serve`, in the chapter's environment: `python -m deployment.api CHAPTER --checkpoint …`."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path

import click

from utils.terminal.run import run_command


@click.command()
@click.argument("chapter", type=click.Path(path_type=Path))
@click.option("--checkpoint")
@click.option("--alias")
@click.option("--registry", "uri")
@click.option("--outputs", type=click.Path(path_type=Path))
@click.option("--device", required=True)
@click.option("--api-key-file", "key_file", type=click.Path(path_type=Path))
@click.option("--settings", "settings_file", type=click.Path(path_type=Path))
@click.option("--debug", is_flag=True)
@click.argument("overrides", nargs=-1)
def serve(
    chapter: Path,
    checkpoint: str | None,
    alias: str | None,
    uri: str | None,
    outputs: Path | None,
    device: str,
    key_file: Path | None,
    settings_file: Path | None,
    debug: bool,
    overrides: tuple[str, ...],
) -> None:
    """Serve a model over HTTP until a signal ends the process."""
    from deployment.api.http.keys import read_keys
    from deployment.api.http.listening import listener
    from deployment.api.settings import read_settings

    settings, keys = read_settings(settings_file, overrides), read_keys(key_file)
    listening = listener(settings.server)

    import torch

    from deployment.api.app import make_app
    from deployment.api.http.middleware import Gate
    from deployment.api.http.server import Server
    from deployment.api.http.shortcut import Shortcut
    from deployment.api.log import Log
    from deployment.api.model.predict import Predictions
    from deployment.api.service import Service

    torch.set_num_threads(settings.batching.threads)
    log = Log()
    background: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
    if alias is not None:
        from deployment.api.model.reload import AliasSource, Watch

        source = AliasSource(chapter, alias, uri, device)
        version = source.resolve()
        service = Service(settings, source.load(version), str(version.number), alias)
        background = Watch(service, source, version.number, log).running
    else:
        from inference.predictor import Predictor

        assert checkpoint is not None
        service = Service(settings, Predictor.from_checkpoint(chapter, checkpoint, outputs, device))
    predictions = Predictions(service)
    app = make_app(service, predictions, keys is not None, background)
    Server(Gate(Shortcut(app, predictions), service, keys, log), service, log).run([listening])


if __name__ == "__main__":
    run_command(serve, "scratch serve")
