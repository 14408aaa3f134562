"""Where the server listens; known before anything heavy is loaded."""

import socket
from contextlib import suppress

import utils.terminal.listening
from deployment.api.settings import ServerSettings


def listener(settings: ServerSettings) -> socket.socket:
    """A socket that listens at the address that is wanted; who connects now is answered once the server has started.

    Raises:
        InputError: The address is taken, or not this machine's.
    """
    listening = utils.terminal.listening.listener(settings.host, settings.port)
    listening.setblocking(False)
    return listening


def unmet(listening: socket.socket) -> list[socket.socket]:
    """The clients who have connected and wait to be accepted; closing `listening` would turn them away."""
    clients = []
    with suppress(OSError):  # there are no more
        for _ in range(socket.SOMAXCONN):
            clients.append(listening.accept()[0])
    return clients
