"""A TCP proxy before a server that does harm to what passes, once, as often as it is told."""

import contextlib
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator

Harm = Callable[["socket.socket", "socket.socket", bytes], bool]
"""Given the client's socket, the server's and a request: does its harm; True where the connection is over."""


def lose_the_reply(client: socket.socket, server: socket.socket, request: bytes) -> bool:
    """The server carries the request out; its reply never comes back."""
    server.sendall(request)
    server.recv(65536)
    return True


def answer(reply: bytes) -> Harm:
    """The request does not reach the server; this comes instead of its reply."""

    def instead(client: socket.socket, server: socket.socket, request: bytes) -> bool:
        client.sendall(reply)
        return True

    return instead


def stay_silent(client: socket.socket, server: socket.socket, request: bytes) -> bool:
    """The server carries the request out, and nothing comes back while the client waits."""
    server.sendall(request)
    server.recv(65536)
    client.settimeout(60)
    with contextlib.suppress(OSError):
        client.recv(1)
    return True


def http(status: str, body: bytes = b"", *headers: bytes) -> bytes:
    """A reply as it is sent."""
    head = [f"HTTP/1.1 {status}".encode(), b"Content-Length: %d" % len(body), b"Connection: close", *headers]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


class Faulty:
    """``harms`` are done to the requests to come, one each; then all pass. ``requests`` are those that came."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.harms: deque[Harm] = deque()
        self.requests: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(60)

    def keys(self) -> list[str]:
        """The idempotency key of each request."""
        lines = [request.split(b"\r\n") for request in self.requests]
        marker = b"idempotency-key:"
        return [
            line[len(marker) :].strip().decode() for one in lines for line in one if line.lower().startswith(marker)
        ]

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.target)) as server:
            while request := _message(client):
                self.requests.append(request)
                if self.harms and self.harms.popleft()(client, server, request):
                    return
                server.sendall(request)
                client.sendall(_message(server))


def _message(source: socket.socket) -> bytes:
    """One request or reply, with its body; nothing where the connection has ended."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = source.recv(65536)
        if not part:
            return b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += source.recv(65536)
    return head + b"\r\n\r\n" + body


@contextlib.contextmanager
def faulty(port: int) -> Iterator[Faulty]:
    """A proxy before the server at that port."""
    proxy = Faulty(port)
    try:
        yield proxy
    finally:
        proxy.close()
