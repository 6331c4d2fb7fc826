"""Ports for servers that are killed and started again on the same one."""

import secrets
import socket

# Below the range from which the system takes the ports of outgoing connections: a caller that tries a server which is
# down could otherwise be given the server's own port, connect to itself, and keep the server from coming back.
FIRST, LAST = 12_000, 32_000


def free_port() -> int:
    """A loopback port on which nothing listens."""
    while True:
        port = FIRST + secrets.randbelow(LAST - FIRST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
