"""Who waits for a server that is there and says nothing."""

import os
import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

SILENT_SECONDS = 40.0
"""Longer than the server's own bounds on a statement (30 s) and on a lock (10 s): it would have said so by then."""
LOOK_SECONDS = 1.0


class Watch:
    """Shuts down the sockets of those who have waited too long for a reply, so that they are told.

    A server that is frozen, and not gone, keeps its connections alive for ever: neither TCP nor its own time-outs end
    the waiting.
    """

    def __init__(self, seconds: float = SILENT_SECONDS) -> None:
        self._seconds = seconds
        self._waits: dict[object, tuple[int, float]] = {}
        self._is_closed = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def waiting(self, descriptor: int) -> Generator[None]:
        """While the block runs somebody waits for the other end of this socket."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._look, name="kvota-watch", daemon=True)
            self._thread.start()
        wait = object()  # not the descriptor: a connection that fails is closed, and another may be given its number
        self._waits[wait] = descriptor, time.monotonic()
        try:
            yield
        finally:
            del self._waits[wait]

    def close(self) -> None:
        """End the watch."""
        self._is_closed.set()

    def _look(self) -> None:
        while not self._is_closed.wait(LOOK_SECONDS):
            late = time.monotonic() - self._seconds
            for descriptor, since in tuple(self._waits.values()):
                if since < late:
                    with socket.socket(fileno=os.dup(descriptor)) as waited_for:
                        waited_for.shutdown(socket.SHUT_RDWR)
