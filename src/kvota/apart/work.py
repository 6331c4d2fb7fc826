"""The process that decides and writes: one thread, one store, and one line to the server, which is its stdin."""

import functools
import gc
import socket
from collections import deque

from kvota.apart.messages import Frames, Said, batch_frame, read_commands, said
from kvota.committing import Answer, Committer
from kvota.engine import BATCH, Asked, carry_out
from kvota.errors import KvotaError
from kvota.settings import from_environment
from kvota.stores import open_store

CHUNK = 2**20
YOUNG = 20_000
"""So many objects are made before the young ones are looked through: more than a large batch keeps at once, for which
Python's own 700 has it look dozens of times and find nothing: a batch leaves no cycles. The server stays at 700: what a
call leaves may hold all that it brought."""


def work() -> None:
    """Live until the server closes the line, or dies; what has come by then is carried out."""
    try:
        store = open_store(from_environment().store)
    except KvotaError as error:
        raise SystemExit(f"the engine's process cannot open its store: {error}") from None
    gc.collect()
    gc.freeze()  # as in the server: what lives as long as the process is not looked through again
    gc.set_threshold(YOUNG)
    try:
        _Work(socket.socket(fileno=0), Committer(store)).live()
    finally:
        store.close()


class _Work:
    def __init__(self, line: socket.socket, committer: Committer) -> None:
        self._line, self._committer = line, committer
        self._frames = Frames()
        self._waiting: deque[Asked] = deque()
        self._said: list[Said] = []
        self._seconds = 0.0
        self._is_closed = False

    def live(self) -> None:
        self._answer()  # to nobody: it says that the process is there
        while True:
            self._listen()
            if not self._waiting:
                return
            asked = [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH))]
            carry_out(self._committer, asked, self._took)
            self._answer()

    def _listen(self) -> None:
        """Take all that has come; where nothing waits, wait for something."""
        while not self._is_closed:
            try:
                data = self._line.recv(CHUNK, socket.MSG_DONTWAIT if self._waiting else 0)
            except BlockingIOError:
                return
            except ConnectionError:
                data = b""
            self._is_closed = not data
            for frame in self._frames.whole(data):
                for number, at, command in read_commands(frame):
                    self._waiting.append(Asked(command, functools.partial(self._answered, number), at))

    def _answered(self, number: int, answer: Answer) -> None:
        self._said.append(said(number, answer))

    def _took(self, _size: int, seconds: float) -> None:
        self._seconds = seconds

    def _answer(self) -> None:
        answers, self._said = self._said, []
        try:
            self._line.sendall(batch_frame(self._seconds, answers))
        except ConnectionError:  # nobody is there to hear it: the same keys tell
            self._is_closed = True
