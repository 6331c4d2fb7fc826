"""What handlers are given: commands go to the engine, reads to a few threads, and the event loop never waits."""

import asyncio
import functools
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from kvota.asgi.metrics import Metrics
from kvota.committing import Answer, Outcome
from kvota.core.commands import Command
from kvota.engine import Teller
from kvota.errors import Busy
from kvota.reads import Reads
from kvota.upstreams import Health

P = ParamSpec("P")
T = TypeVar("T")
READING_THREADS = 8
WRITING_THREADS = 2
PASSWORD_THREADS = 2


class Mailbox:
    """Brings answers to the event loop: it is woken once for all that came meanwhile, not once for each.

    A waiter that has gone (its client disconnected) is passed over; its command was accepted and stays so.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._came: deque[tuple[asyncio.Future[Any], Any]] = deque()
        self._is_called = False

    def waiter(self) -> asyncio.Future[Any]:
        """A future of the running loop, to be answered by ``put``."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._came, self._is_called = loop, deque(), False
        return loop.create_future()

    def put(self, waiter: asyncio.Future[Any], answer: object) -> None:
        """Answer it, from any thread."""
        self._came.append((waiter, answer))
        if not self._is_called and (loop := self._loop) is not None and not loop.is_closed():
            self._is_called = True
            loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        self._is_called = False  # before the queue is emptied: what comes from now on calls again
        while self._came:
            waiter, answer = self._came.popleft()
            if not waiter.done():
                waiter.set_result(answer)


class Services:
    """The engine, the reads and the metrics, as the event loop may use them."""

    def __init__(self, engine: Teller, reads: Reads, metrics: Metrics) -> None:
        self.reads, self.metrics = reads, metrics
        self.key_changes = 0
        """Grows when a key was revoked here, so that nobody goes on remembering it."""
        self.documents: dict[str, Callable[[], bytes]] = {}
        """What the API says about itself: ``openapi`` and ``docs``."""
        self.workers = 1
        """How many processes serve."""
        self.upstream_health: Callable[[], Sequence[Health]] = tuple
        """How each AI service does, where there are any."""
        self._engine = engine
        self._mailbox = Mailbox()
        self._threads = ThreadPoolExecutor(READING_THREADS, thread_name_prefix="kvota-reads")
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="kvota-work")
        self._passwords = ThreadPoolExecutor(PASSWORD_THREADS, thread_name_prefix="kvota-passwords")
        self._writers = ThreadPoolExecutor(WRITING_THREADS, thread_name_prefix="kvota-files")

    @property
    def depth(self) -> int:
        """The commands that wait for the engine."""
        return self._engine.depth

    @property
    def is_engine_lost(self) -> bool:
        """Whether nothing is carried out at the moment."""
        return self._engine.is_lost

    async def read(self, ask: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Ask the store, in a thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, functools.partial(ask, *args, **kwargs))

    async def work(self, ask: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Have something long done, one at a time, in a thread of its own: reads do not wait for it."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._worker, functools.partial(ask, *args, **kwargs))

    async def check_password(self, ask: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Have a password checked or hashed, which takes a tenth of a second and 64 MB: few at a time."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._passwords, functools.partial(ask, *args, **kwargs))

    async def make_file(self, make: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Have a file written, which takes minutes: a few at a time, the others wait."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writers, functools.partial(make, *args, **kwargs))

    async def submit(self, command: Command) -> Outcome:
        """Have a command carried out; its outcome is durable. Raises what went wrong."""
        waiter = self._mailbox.waiter()
        self._engine.tell(command, functools.partial(self._mailbox.put, waiter))
        answer: Answer = await waiter
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def submit_all(self, commands: Sequence[Command]) -> list[Answer]:
        """Have them all carried out, each by itself, in their order; one waiting for all."""
        waiter = self._mailbox.waiter()
        answers: dict[int, Answer] = {}

        def answered(index: int, answer: Answer) -> None:
            answers[index] = answer
            if len(answers) == len(commands):
                self._mailbox.put(waiter, None)

        for index, command in enumerate(commands):
            try:
                self._engine.tell(command, functools.partial(answered, index))
            except Busy as error:
                answered(index, error)
        if commands:
            await waiter
        return [answers[index] for index in range(len(commands))]

    def close(self) -> None:
        """End the threads; what they read is finished first, and long work broken off."""
        self.reads.editions.close()
        self._worker.shutdown(wait=True, cancel_futures=True)
        self._writers.shutdown(wait=True, cancel_futures=True)
        self._passwords.shutdown(wait=True)
        self._threads.shutdown(wait=True)
