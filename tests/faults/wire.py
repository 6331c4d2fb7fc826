"""A wire to PostgreSQL that breaks where it is told to: before a message, after it, or before its answer.

Messages are those of the protocol: the Parse, Bind, Describe and Execute of each statement, and the Sync that ends a
round trip. They are counted from the arming on; the first message of a connection, which has no type, is not.
"""

import contextlib
import select
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Literal, NamedTuple, get_args
from urllib.parse import urlsplit, urlunsplit

How = Literal["before", "after", "answer"]
WAYS: tuple[How, ...] = get_args(How)
NO_STARTUP = (80877103, 80877104)  # SSLRequest and GSSENCRequest: the first message is still to come


class Cut(NamedTuple):
    """Where the wire breaks: at the message of that number (1, 2, …), counted from the arming or from the last cut."""

    at: int
    how: How


class Wire:
    """Passes messages on until it breaks; new connections pass again."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._lock = threading.Lock()
        self._cuts: list[Cut] = []
        self.passed = 0
        """The messages since the arming, or since the last cut."""
        self.cut_types: list[str] = []
        """The types of the messages at which it broke."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, *cuts: Cut) -> None:
        """Break there, each cut once and one after the other."""
        with self._lock:
            self._cuts, self.passed = list(cuts), 0

    def disarm(self) -> int:
        """Break no more; how many of the cuts were not reached."""
        with self._lock:
            left, self._cuts = len(self._cuts), []
            return left

    def close(self) -> None:
        """Accept no more; open connections end with their clients."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=[client], daemon=True).start()

    def _judge(self, kind: str) -> How | None:
        """How the wire breaks at this message, if it does."""
        with self._lock:
            if not self._cuts:
                return None
            self.passed += 1
            if self.passed < self._cuts[0].at:
                return None
            self.passed = 0
            self.cut_types.append(kind)
            return self._cuts.pop(0).how

    def _carry(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError), socket.create_connection(self._target) as server:
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _Line(client, server, self._judge).carry()
            # What was sent arrives, and then the end of it, also where the server has more to say.
            client.close()
            server.shutdown(socket.SHUT_WR)
            while server.recv(65536):
                pass


class _Line:
    """One connection."""

    def __init__(self, client: socket.socket, server: socket.socket, judge) -> None:
        self._client, self._server, self._judge = client, server, judge
        self._came = b""
        self._is_started, self._is_deaf = False, False

    def carry(self) -> None:
        """Until it breaks, or one of the ends has gone."""
        while True:
            ready, _, _ = select.select([self._client, self._server], [], [])
            if self._server in ready:
                data = self._server.recv(65536)
                if not data or self._is_deaf:
                    return
                self._client.sendall(data)
            if self._client in ready:
                data = self._client.recv(65536)
                if not data or not self._pass(data):
                    return

    def _pass(self, data: bytes) -> bool:
        """Pass the whole messages on, one by one; False where the wire breaks."""
        self._came += data
        while (message := self._message()) is not None:
            how = self._judge(chr(message[0])) if self._is_started else None
            if how == "before":
                return False
            self._server.sendall(message)
            if how == "after":
                return False
            self._is_deaf = self._is_deaf or how == "answer"
            if not self._is_started:
                self._is_started = struct.unpack_from("!i", message, 4)[0] not in NO_STARTUP
        return True

    def _message(self) -> bytes | None:
        """The next message, if it is there as a whole."""
        ahead = 1 if self._is_started else 0
        if len(self._came) < ahead + 4:
            return None
        size = ahead + struct.unpack_from("!i", self._came, ahead)[0]
        if len(self._came) < size:
            return None
        message, self._came = self._came[:size], self._came[size:]
        return message


@contextlib.contextmanager
def wired(url: str) -> Iterator[tuple[Wire, str]]:
    """A wire to the server of that URL, and the URL through it."""
    parts = urlsplit(url)
    wire = Wire((parts.hostname or "127.0.0.1", parts.port or 5432))
    try:
        yield wire, urlunsplit(parts._replace(netloc=f"{parts.username}@127.0.0.1:{wire.port}"))
    finally:
        wire.close()
