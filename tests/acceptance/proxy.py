"""A TCP proxy before PostgreSQL that loses the answer of a COMMIT."""

import contextlib
import selectors
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

COMMITTED = b"C\x00\x00\x00\x0bCOMMIT\x00"
"""CommandComplete of a COMMIT: what it has written is durable."""


class Proxy:
    """Passes bytes on; once armed, the next COMMIT is carried out and its answer does not come back."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._is_armed = threading.Event()
        self.lost = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._is_open = True
        self._threads: list[threading.Thread] = []
        self._spawn(self._accept)

    def arm(self) -> None:
        """Lose the answer of the next COMMIT."""
        self._is_armed.set()

    def close(self) -> None:
        """Stop accepting; open connections end by themselves."""
        self._is_open = False
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port)).close()
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _spawn(self, target, *arguments) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            if not self._is_open:
                client.close()
                return
            self._spawn(self._carry, client, socket.create_connection(self._target))

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        with client, server, selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_READ, server)
            selector.register(server, selectors.EVENT_READ, client)
            while self._is_open:
                for ready, _ in selector.select(0.1):
                    data = ready.fileobj.recv(65536)
                    if not data:
                        return
                    if ready.fileobj is server and COMMITTED in data and self._is_armed.is_set():
                        self._is_armed.clear()
                        self.lost += 1
                        return
                    ready.data.sendall(data)


@contextlib.contextmanager
def proxied(url: str) -> Iterator[tuple[Proxy, str]]:
    """A proxy before the server of that URL, and the URL through it."""
    parts = urlsplit(url)
    proxy = Proxy((parts.hostname or "127.0.0.1", parts.port or 5432))
    try:
        yield proxy, urlunsplit(parts._replace(netloc=f"{parts.username}@127.0.0.1:{proxy.port}"))
    finally:
        proxy.close()
