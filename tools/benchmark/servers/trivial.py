"""Answers every request with the same few bytes: what is left to measure is the client.

python trivial.py --port 8000
"""

import argparse
import selectors
import socket

ANSWER = b'{"answer":null}'
REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER)


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    listener = socket.create_server(("127.0.0.1", parser.parse_args().port), backlog=256)
    poll = selectors.DefaultSelector()
    poll.register(listener, selectors.EVENT_READ)
    received: dict[socket.socket, bytes] = {}
    while True:
        for key, _ in poll.select():
            if key.fileobj is listener:
                connection, _address = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                poll.register(connection, selectors.EVENT_READ, connection)
                received[connection] = b""
                continue
            connection = key.data
            try:
                part = connection.recv(1 << 18)
            except ConnectionError:
                part = b""
            if not part:
                poll.unregister(connection)
                connection.close()
                del received[connection]
                continue
            received[connection] += part
            head, found, body = received[connection].partition(b"\r\n\r\n")
            if found and len(body) >= int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]):
                received[connection] = b""
                connection.sendall(REPLY)


if __name__ == "__main__":
    main()
