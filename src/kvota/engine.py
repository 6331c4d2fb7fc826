"""Group commit: the commands of the moment share one transaction of the store.

While one commit runs, commands gather; the next transaction takes them all. It locks the accounts concerned in one
order, *then* reads the clock, loads what the commands name, decides each in turn (a later command sees what an earlier
one did), writes all entries, accounts and statistics together, and answers only after the commit.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple, Protocol

from kvota.committing import Answer, Committer, Outcome
from kvota.core.commands import Command
from kvota.errors import Busy
from kvota.store import Store

QUEUE = 10_000
BATCH = 500
# No caller waits for ever: so long may a command wait for its turn.
QUEUE_SECONDS = 20.0


class Asked(NamedTuple):
    """A command in the queue, and since when (by ``time.monotonic``)."""

    command: Command
    answered: Callable[[Answer], None]
    at: float


class Teller(Protocol):
    """What carries commands out: the engine, here or in a process of its own."""

    @property
    def depth(self) -> int:
        """The commands that wait."""
        ...

    @property
    def is_lost(self) -> bool:
        """Whether it carries nothing out at the moment, and a caller should not be sent here."""
        ...

    def tell(self, command: Command, answered: Callable[[Answer], None]) -> None:
        """Queue a command. What is accepted is carried out; ``answered`` is then given its answer, durable if written.

        It is called in a thread that waits for it, and must not raise. Raises ``Busy`` where the queue is full.
        """
        ...


class Engine:
    """One writer thread over a store; ``tell`` and ``submit`` may be called from any thread.

    ``clock`` replaces the store's clock, for loading a history, of which nobody is told. ``on_batch`` is given the size
    and the seconds of each batch. The queue is bounded: when it is full, ``tell`` and ``submit`` raise ``Busy``.
    """

    def __init__(
        self,
        store: Store,
        *,
        queue: int = QUEUE,
        batch: int = BATCH,
        clock: Callable[[], int] | None = None,
        on_batch: Callable[[int, float], None] | None = None,
    ) -> None:
        self._committer = Committer(store, clock)
        self._queue_size, self._batch_size = queue, batch
        self._on_batch = on_batch
        self._waiting: deque[Asked] = deque()
        self._wake = threading.Condition()
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="kvota-engine", daemon=True)
        self._thread.start()

    @property
    def depth(self) -> int:
        """The commands that wait."""
        return len(self._waiting)

    @property
    def is_lost(self) -> bool:
        """Whether its thread has ended."""
        return not self._thread.is_alive()

    def tell(self, command: Command, answered: Callable[[Answer], None]) -> None:
        """Queue a command; ``answered`` is called in the engine's thread."""
        with self._wake:
            if self._is_closing:
                raise Busy("The server is ending. Try again in a moment, with the same key.")
            if len(self._waiting) >= self._queue_size:
                raise Busy(f"{self._queue_size} calls are waiting already. Try again in a moment, with the same key.")
            self._waiting.append(Asked(command, answered, time.monotonic()))
            if len(self._waiting) == 1:
                self._wake.notify()

    def submit(self, command: Command) -> Future[Outcome]:
        """Queue a command. The future has its outcome once that is durable, or raises what went wrong."""
        future: Future[Outcome] = Future()
        future.set_running_or_notify_cancel()  # from here on it cannot be cancelled: what is accepted is carried out

        def answered(answer: Answer) -> None:
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

        self.tell(command, answered)
        return future

    def execute(self, command: Command) -> Outcome:
        """Submit and wait."""
        return self.submit(command).result()

    def close(self) -> None:
        """Finish what was accepted, refuse what comes now, and end."""
        with self._wake:
            self._is_closing = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._waiting and not self._is_closing:
                    self._wake.wait()
                if not self._waiting:
                    return
                asked = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._batch_size))]
            carry_out(self._committer, asked, self._on_batch)


def carry_out(committer: Committer, asked: list[Asked], on_batch: Callable[[int, float], None] | None) -> None:
    """Carry out those that have not waited for too long, in one batch, and answer all."""
    if asked[0].at < time.monotonic() - QUEUE_SECONDS:
        asked = _in_time(asked)
        if not asked:
            return
    started = time.perf_counter()
    answers = committer.answers([one.command for one in asked])
    if on_batch is not None:
        on_batch(len(asked), time.perf_counter() - started)
    for one, answer in zip(asked, answers, strict=True):
        one.answered(answer)


def _in_time(asked: list[Asked]) -> list[Asked]:
    """Those that have not waited for too long; the others are answered, and nothing of them is written."""
    oldest = time.monotonic() - QUEUE_SECONDS
    for one in asked:
        if one.at < oldest:
            one.answered(Busy("The call waited for too long; nothing was written. Try again."))
    return [one for one in asked if one.at >= oldest]
