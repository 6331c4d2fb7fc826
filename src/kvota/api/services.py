"""What handlers are given: commands go to the engine, reads to a few threads, and the event loop never waits."""

import asyncio
import functools
import itertools
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from kvota.api.metrics import Metrics
from kvota.core.commands import Command
from kvota.engine import Engine, Outcome
from kvota.errors import Busy
from kvota.reads import Reads

P = ParamSpec("P")
T = TypeVar("T")
READING_THREADS = 8


class Mailbox:
    """Wakes the event loop once for all the outcomes that came meanwhile, not once for each.

    A waiter that has gone (its client disconnected) is passed over; its command was accepted and stays so.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._came: deque[asyncio.Future[None]] = deque()
        self._is_called = False

    def waiter(self) -> asyncio.Future[None]:
        """A future of the running loop, to be woken by ``wake``."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._came, self._is_called = loop, deque(), False
        return loop.create_future()

    def wake(self, waiter: asyncio.Future[None]) -> None:
        """Wake it, from any thread."""
        self._came.append(waiter)
        if not self._is_called and (loop := self._loop) is not None and not loop.is_closed():
            self._is_called = True
            loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        self._is_called = False  # before the queue is emptied: what comes from now on calls again
        while self._came:
            waiter = self._came.popleft()
            if not waiter.done():
                waiter.set_result(None)


class Services:
    """The engine, the reads and the metrics, as the event loop may use them."""

    def __init__(self, engine: Engine, reads: Reads, metrics: Metrics) -> None:
        self.reads, self.metrics = reads, metrics
        self.key_changes = 0
        """Grows when a key was revoked here, so that nobody goes on remembering it."""
        self.documents: dict[str, Callable[[], bytes]] = {}
        """What the API says about itself: ``openapi`` and ``docs``."""
        self._engine = engine
        self._mailbox = Mailbox()
        self._threads = ThreadPoolExecutor(READING_THREADS, thread_name_prefix="kvota-reads")
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="kvota-work")

    async def read(self, ask: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Ask the store, in a thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, functools.partial(ask, *args, **kwargs))

    async def work(self, ask: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Have something long done, one at a time, in a thread of its own: reads do not wait for it."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._worker, functools.partial(ask, *args, **kwargs))

    async def submit(self, command: Command) -> Outcome:
        """Have a command carried out; its outcome is durable. Raises what went wrong."""
        waiter = self._mailbox.waiter()
        future = self._engine.submit(command)
        future.add_done_callback(lambda _: self._mailbox.wake(waiter))
        await waiter
        return future.result()

    async def submit_all(self, commands: Sequence[Command]) -> list[Outcome | Exception]:
        """Have them all carried out, each by itself, in their order; one waiting for all."""
        waiter = self._mailbox.waiter()
        futures = [self._submitted(command) for command in commands]
        done = itertools.count(1)

        def one_more(_: Future[Outcome]) -> None:
            if next(done) == len(futures):
                self._mailbox.wake(waiter)

        for future in futures:
            future.add_done_callback(one_more)
        if futures:
            await waiter
        return [self._outcome(future) for future in futures]

    def _submitted(self, command: Command) -> Future[Outcome]:
        try:
            return self._engine.submit(command)
        except Busy as error:
            refused: Future[Outcome] = Future()
            refused.set_exception(error)
            return refused

    @staticmethod
    def _outcome(future: Future[Outcome]) -> Outcome | Exception:
        """What became of it, waiting for that where it has to."""
        error = future.exception()
        if error is None:
            return future.result()
        return error if isinstance(error, Exception) else RuntimeError(str(error))

    def close(self) -> None:
        """End the threads; what they read is finished first, and long work broken off."""
        self.reads.editions.close()
        self._worker.shutdown(wait=True, cancel_futures=True)
        self._threads.shutdown(wait=True)
