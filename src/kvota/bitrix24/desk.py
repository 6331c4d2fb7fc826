"""The store's part of it for the event loop: jobs are taken in batches, and engines are remembered for a moment."""

import asyncio
import functools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from typing import NamedTuple, ParamSpec, TypeVar

from kvota.errors import Busy, KvotaError, StoreUnavailable, WorldError
from kvota.portals import Engine, Job, Portal
from kvota.store import Store

P = ParamSpec("P")
T = TypeVar("T")
MAX_WAITING = 20_000
MAX_BATCH = 500
REMEMBERED_SECONDS = 1.0
MAX_REMEMBERED = 10_000
THREADS = 4
AGAIN_SECONDS = 0.1
TAKING_SECONDS = 4.0
"""A portal waits five. A job that is kept after that is carried all the same, and paid for if its answer is taken."""


class Found(NamedTuple):
    """An engine with its portal."""

    engine: Engine
    portal: Portal


def secret_hash(store: Store, secret: str) -> str:
    """What is kept of a secret in a URL."""
    return blake2b(secret.encode(), key=store.secret(), digest_size=32).hexdigest()


class Desk:
    """Where jobs are handed in. ``ask`` has the store asked in a thread of its own; ``came`` is set by each new job."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.came = asyncio.Event()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="kvota-portals")
        self._taking = ThreadPoolExecutor(1, thread_name_prefix="kvota-jobs")
        self._waiting: list[tuple[Job, asyncio.Future[None]]] = []
        self._flush: asyncio.Task[None] | None = None
        self._known: dict[str, tuple[float, Found | None]] = {}
        self._asking: dict[str, asyncio.Task[Found | None]] = {}

    async def ask(self, ask: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Ask the store, in a thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, functools.partial(ask, *args, **kwargs))

    def has_found(self, secret: str) -> bool:
        """Whether an engine of this secret was found here before."""
        return secret in self._known

    async def find(self, secret: str) -> Found | None:
        """The engine of a secret, with its portal; all who come with one secret at one moment ask together."""
        until, found = self._known.get(secret, (0.0, None))
        if time.monotonic() < until:
            return found
        asking = self._asking.get(secret)
        if asking is None:
            asking = self._asking[secret] = asyncio.ensure_future(self.ask(self._find, secret))
            asking.add_done_callback(lambda _: self._asking.pop(secret))
        try:
            found = await asyncio.shield(asking)
        except WorldError:
            if found is None:
                raise  # else it is the one that was found here before: whether its job is kept, the store will say
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        if found is None:
            self._known.pop(secret, None)
        else:
            self._known[secret] = (time.monotonic() + REMEMBERED_SECONDS, found)
        return found

    def _find(self, secret: str) -> Found | None:
        engine = self.store.find_engine(secret_hash(self.store, secret))
        portal = None if engine is None else self.store.portal(engine.portal)
        return None if engine is None or portal is None else Found(engine, portal)

    async def take(self, job: Job) -> None:
        """Keep a job, with all that come meanwhile. Raises ``Busy`` or ``StoreUnavailable``: it is not kept."""
        if len(self._waiting) >= MAX_WAITING:
            raise Busy("Too many jobs wait to be written.")
        kept = asyncio.get_running_loop().create_future()
        self._waiting.append((job, kept))
        if self._flush is None or self._flush.done():
            self._flush = asyncio.create_task(self._write())
        try:
            await asyncio.wait_for(kept, TAKING_SECONDS)
        except TimeoutError:
            raise Busy("The store takes too long for a portal's patience.") from None

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
            error = await self._keep(batch)
            for _, kept in batch:
                if kept.done():
                    continue
                if error is None:
                    kept.set_result(None)
                else:
                    kept.set_exception(error)

    async def _keep(self, batch: list[tuple[Job, asyncio.Future[None]]]) -> Exception | None:
        """Keep what somebody still waits for; what fails is tried again, since keeping it twice keeps it once.

        A store that restarts, or has lost a connection in the middle, is mostly there again before a portal gives up.
        """
        loop = asyncio.get_running_loop()
        while jobs := [job for job, kept in batch if not kept.done()]:
            try:
                await loop.run_in_executor(self._taking, self.store.add_jobs, jobs)
            except WorldError:
                await asyncio.sleep(AGAIN_SECONDS)
            except Exception as problem:  # noqa: BLE001 - whoever waits must be told
                return problem if isinstance(problem, KvotaError) else StoreUnavailable(f"Not kept: {problem!r}")
            else:
                self.came.set()
                break
        return None

    def close(self) -> None:
        """End the threads; what they have begun is finished first."""
        self._taking.shutdown(wait=True)
        self._threads.shutdown(wait=True)
