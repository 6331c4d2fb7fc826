"""Sends what the outbox holds, in every process of a server: what one has taken no other takes."""

import asyncio
import contextlib
import random
import secrets
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

import aiohttp
import structlog

from kvota.asgi.defects import log_defect
from kvota.core.periods import MINUTE
from kvota.errors import KvotaError
from kvota.mail import Mailer
from kvota.notices import Notices
from kvota.notify.sending import PATIENCE, failed, send_mail, send_webhook
from kvota.notify.sweep import Sweep
from kvota.outgoing import Outgoing
from kvota.records import Parcel
from kvota.store import Conflict, Store

P = ParamSpec("P")
T = TypeVar("T")
IDLE_SECONDS = 1.0
AT_ONCE = 32
SPREAD = 200
LEASE = MINUTE
"""Longer than an attempt may take. What its taker has not settled by then is sent again, with the same id."""
ENDING_SECONDS = 5.0


class Worker:
    """Made once for each process; ``live`` is as long as its server."""

    def __init__(
        self,
        store: Store,
        notices: Notices,
        outgoing: Outgoing,
        mailer: Mailer | None,
        *,
        sweep: Sweep | None = None,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._store, self._notices, self._outgoing, self._mailer = store, notices, outgoing, mailer
        self._sweep, self._idle = sweep, idle_seconds

    @contextlib.asynccontextmanager
    async def live(self) -> AsyncGenerator[None]:
        """Work beside what the block does. At its end what is being sent has a moment; the rest is sent again later."""
        self._ending = asyncio.Event()
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="kvota-notify")
        task = asyncio.create_task(self._run())
        sweeping = asyncio.create_task(self._sweep_on())
        try:
            yield
        finally:
            self._ending.set()
            await asyncio.wait([task, sweeping], timeout=ENDING_SECONDS)
            for one in (task, sweeping):
                one.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await one
            await asyncio.to_thread(self._threads.shutdown, wait=True)

    async def _ask(self, ask: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: ask(*args, **kwargs))

    async def _run(self) -> None:
        sending: set[asyncio.Task[None]] = set()
        async with self._outgoing.session() as session:
            try:
                while not self._ending.is_set():
                    parcels = await self._next(AT_ONCE - len(sending))
                    sending |= {asyncio.create_task(self._deliver(parcel, session)) for parcel in parcels}
                    if not parcels:
                        await self._wait()
                    sending = {task for task in sending if not task.done()}
                if sending:
                    await asyncio.wait(sending)
            finally:
                for task in sending:
                    task.cancel()

    async def _wait(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), self._idle * random.uniform(0.8, 1.2))  # noqa: S311

    async def _next(self, room: int) -> list[Parcel]:
        """Take what is due; a store that cannot be reached is asked again in a moment."""
        try:
            if not room or not await self._ask(self._store.has_work):
                return []
            await self._ask(self._store.spread, SPREAD)
            return await self._ask(self._store.take, secrets.token_hex(8), room, LEASE)
        except (KvotaError, Conflict) as problem:
            _log().warning("outbox_waits", detail=str(problem))
            return []

    async def _deliver(self, parcel: Parcel, session: aiohttp.ClientSession) -> None:
        try:
            if parcel.delivery.channel == "webhook":
                tried = await send_webhook(parcel, session, self._notices)
            else:
                tried = await send_mail(parcel, self._mailer)
        except Exception as error:  # noqa: BLE001 - nobody else would tell of it
            log_defect("a delivery", error)
            tried = failed(parcel, "a defect of Kvota's own; the server's log has it")
        try:
            await self._ask(self._store.settle, [tried], PATIENCE)
        except (KvotaError, Conflict) as problem:  # sent again when the lease is over, with the same id
            _log().warning("outbox_not_settled", delivery=parcel.delivery.id, detail=str(problem))

    async def _sweep_on(self) -> None:
        while self._sweep is not None and not self._ending.is_set():
            try:
                await self._ask(self._sweep.once)
            except (KvotaError, Conflict) as problem:
                _log().warning("sweep_waits", detail=str(problem))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), self._sweep.rest_seconds)


def _log() -> Any:  # noqa: ANN401 - structlog's own
    return structlog.get_logger("kvota.notify")
