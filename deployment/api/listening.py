"""Where the server listens; known before anything heavy is loaded."""

import socket
from contextlib import suppress

from deployment.api.settings import ServerSettings
from utils.errors import InputError


def listener(settings: ServerSettings) -> socket.socket:
    """A socket that listens at the address that is wanted; who connects now is answered once the server has started.

    Raises:
        InputError: The address is taken, or not this machine's.
    """
    address = f"{settings.host}:{settings.port}"
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(where)
            listening.listen()  # two servers can have bound to an address, and one can listen
            listening.setblocking(False)
        except OSError:
            listening.close()
            raise
    except (OSError, UnicodeError) as error:  # the second of a name that cannot be one
        reason = error.strerror if isinstance(error, OSError) else "no host has such a name"
        raise InputError(f"cannot listen at {address}: {reason}; choose another --host or --port") from None
    return listening


def unmet(listening: socket.socket) -> list[socket.socket]:
    """The clients who have connected and wait to be accepted; closing `listening` would turn them away."""
    clients = []
    with suppress(OSError):  # there are no more
        for _ in range(socket.SOMAXCONN):
            clients.append(listening.accept()[0])
    return clients
