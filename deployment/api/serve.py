"""A model served over HTTP until a signal ends the process."""

import socket
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext

import torch

from deployment.api.app import make_app
from deployment.api.http.keys import Keys
from deployment.api.http.middleware import Gate
from deployment.api.http.server import Server
from deployment.api.http.shortcut import Shortcut
from deployment.api.log import Log
from deployment.api.model.predict import Predictions
from deployment.api.model.reload import AliasSource, Watch
from deployment.api.service import Service
from deployment.api.settings import Settings
from inference.predictor import Predictor


def serve_model(predictor: Predictor, settings: Settings, keys: Keys | None, listening: socket.socket) -> None:
    """Serve one model.

    Args:
        predictor: The model.
        settings: Of the server.
        keys: One of which clients need; None lets everyone in.
        listening: Where they connect.
    """
    torch.set_num_threads(settings.batching.threads)
    _serve(Service(settings, predictor), keys, listening, Log(), nullcontext)


def serve_alias(source: AliasSource, settings: Settings, keys: Keys | None, listening: socket.socket) -> None:
    """Serve the version that has an alias in the registry, also when the alias moves to another one.

    Args:
        source: The alias.
        settings: Of the server.
        keys: One of which clients need; None lets everyone in.
        listening: Where they connect.

    Raises:
        InputError: No version has the alias.
        RunError: The registry cannot be reached.
    """
    torch.set_num_threads(settings.batching.threads)
    log, version = Log(), source.resolve()
    service = Service(settings, source.load(version), str(version.number), source.alias)
    _serve(service, keys, listening, log, Watch(service, source, version.number, log).running)


def _serve(
    service: Service,
    keys: Keys | None,
    listening: socket.socket,
    log: Log,
    background: Callable[[], AbstractAsyncContextManager[None]],
) -> None:
    predictions = Predictions(service)
    app = make_app(service, predictions, keys is not None, background)
    Server(Gate(Shortcut(app, predictions), service, keys, log), service, log).run([listening])
