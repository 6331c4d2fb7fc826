"""Connections lent to readers: made when needed, kept for the next, at most so many.

A reader who holds one and needs another for a moment (who looks at a snapshot may come on a catalogue that this process
has not read yet) gets one beyond that number at once: were he to wait, all of them could hold one and wait for each
other.
"""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

from kvota.errors import StoreUnavailable


class Closable(Protocol):
    """A connection."""

    @property
    def is_usable(self) -> bool:
        """Whether it may be lent again."""
        ...

    def close(self) -> None: ...


C = TypeVar("C", bound=Closable)


class Pool(Generic[C]):
    """Lends connections. Who comes when all are lent waits, and gets ``StoreUnavailable`` after ``timeout_seconds``."""

    def __init__(self, make: Callable[[], C], *, size: int, timeout_seconds: float = 30.0) -> None:
        self._make, self._timeout = make, timeout_seconds
        self._idle: list[C] = []
        self._size, self._room = size, threading.BoundedSemaphore(size)
        self._holders: set[int] = set()
        self._is_closed = False

    @contextmanager
    def lend(self, *, fresh: bool = False) -> Generator[C]:
        """A connection for the block; ``fresh`` drops what is idle first, because one of them was found dead."""
        with self._turn():
            if fresh:
                self._drop_idle()
            connection = self._take() or self._make()
            try:
                yield connection
            finally:
                if self._is_closed or not connection.is_usable or len(self._idle) >= self._size:
                    connection.close()
                else:
                    self._idle.append(connection)

    @contextmanager
    def _turn(self) -> Generator[None]:
        """Wait until fewer are lent; who holds one does not wait."""
        reader = threading.get_ident()
        if reader in self._holders:
            yield
            return
        if not self._room.acquire(timeout=self._timeout):
            raise StoreUnavailable("All connections for reading are in use.")
        self._holders.add(reader)
        try:
            yield
        finally:
            self._holders.discard(reader)
            self._room.release()

    @contextmanager
    def emptied(self, *, timeout_seconds: float) -> Generator[None]:
        """While the block runs there is no connection, neither lent nor idle; waits for those that are lent."""
        taken, deadline = 0, time.monotonic() + timeout_seconds
        try:
            while taken < self._size:
                if not self._room.acquire(timeout=max(0.0, deadline - time.monotonic())):
                    raise StoreUnavailable("Somebody goes on reading from the store.")
                taken += 1
            self._drop_idle()
            yield
        finally:
            for _ in range(taken):
                self._room.release()

    def _take(self) -> C | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _drop_idle(self) -> None:
        while (connection := self._take()) is not None:
            connection.close()

    def close(self) -> None:
        """Close what is idle, and what is lent when it comes back."""
        self._is_closed = True
        self._drop_idle()
