"""Taking an address before anything heavy is started for it."""

import errno
import socket

from utils.errors import InputError


def listener(host: str, port: int, option: str = "--port") -> socket.socket:
    """A socket that listens at an address of this machine.

    Args:
        host: A name or an address.
        port: 0 is any that is free.
        option: What the port is chosen with, for the message.

    Raises:
        InputError: The port is in use, or the address is not one of this machine.
    """
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(place)
            listening.listen()  # two sockets may be bound to a port, and one of them listens
        except OSError:
            listening.close()
            raise
    except UnicodeError:
        raise InputError(f"'{host}' is no name that a host can have; choose another with --host") from None
    except OSError as error:
        chosen = option if error.errno in (errno.EADDRINUSE, errno.EACCES) else "--host"
        raise InputError(
            f"cannot listen at {host} port {port}: {error.strerror}; choose another with {chosen}"
        ) from None
    return listening
