"""Carrying jobs: hold, AI service, callback, capture; by asyncio tasks of any number of processes.

A job is had by one of them at a time, by a lease in the store that is renewed while it is worked on; when a process
dies, another takes the job up where the store says it was. Every step may be done twice and counts once: the hold by
its idempotency key, which is the job's hash, the callback by the hash that it carries, the capture by the hold.
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncGenerator

import aiohttp
import structlog
from msgspec.structs import replace

from kvota.asgi.defects import log_defect
from kvota.bitrix24.carrying import Carrier
from kvota.bitrix24.desk import Desk
from kvota.errors import WorldError
from kvota.outgoing import Outgoing
from kvota.portals import Job

AT_ONCE = 64
LEASE_SECONDS = 9.0
IDLE_SECONDS = 0.5
CLEAN_SECONDS = 3600.0
KEPT_DAYS = 40
SECOND = 1000
DAY = 86_400 * SECOND
FIRST_DELAYS, LONGEST_DELAYS = 7200, 48
"""Of a job's ttl: the first repetition comes after 2 s of 4 hours, the later ones at most every 5 minutes."""


def delay_of(job: Job) -> int:
    """How long to wait before a job is tried again, in milliseconds; doubled with each attempt."""
    return max(1, min(job.ttl // FIRST_DELAYS * 2 ** min(job.attempts, 20), job.ttl // LONGEST_DELAYS))


class Workers:
    """The workers of this process. ``life`` is their life."""

    def __init__(self, desk: Desk, carrier: Carrier, outgoing: Outgoing) -> None:
        self._desk, self._carrier, self._outgoing = desk, carrier, outgoing
        self._lease = secrets.token_hex(8)
        self._had: dict[tuple[str, str], asyncio.Task[None]] = {}

    @contextlib.asynccontextmanager
    async def life(self) -> AsyncGenerator[None]:
        """Work as long as the block runs; then give back what is not done."""
        async with self._outgoing.session() as session, self._carrier.opened(session):
            looking = asyncio.create_task(self._look())
            keeping = asyncio.create_task(self._keep())
            try:
                yield
            finally:
                tasks = [looking, keeping, *self._had.values()]
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                self._desk.close()

    async def _look(self) -> None:
        """Take jobs up as there is room for them."""
        cleaned_at = 0.0
        while True:
            self._desk.came.clear()
            claimed: list[Job] = []
            try:
                room = AT_ONCE - len(self._had)
                if room and await self._desk.ask(self._desk.store.has_due_jobs):
                    claim = self._desk.store.claim_jobs
                    claimed = await self._desk.ask(claim, self._lease, round(LEASE_SECONDS * SECOND), room)
                if time.monotonic() >= cleaned_at:
                    cleaned_at = time.monotonic() + CLEAN_SECONDS
                    await self._desk.ask(self._desk.store.forget_jobs, KEPT_DAYS * DAY)
            except WorldError as error:
                structlog.get_logger("kvota.bitrix24").warning(error.code, detail=error.detail)
            except Exception as error:  # noqa: BLE001 - whatever it is, jobs must go on being looked for
                log_defect("bitrix24_look", error)
            for job in claimed:
                self._begin(job)
            if not claimed:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._desk.came.wait(), IDLE_SECONDS)

    def _begin(self, job: Job) -> None:
        key = (job.company, job.hash)
        if key in self._had:  # its lease had ended, and nobody else took it up: it is being worked on
            return
        task = self._had[key] = asyncio.create_task(self._work(job))

        def ended(_: asyncio.Task[None]) -> None:
            self._had.pop(key, None)
            self._desk.came.set()  # there is room again

        task.add_done_callback(ended)

    async def _keep(self) -> None:
        """Renew the leases of what is being worked on."""
        while True:
            await asyncio.sleep(LEASE_SECONDS / 3)
            if self._had:
                keep = self._desk.store.keep_jobs
                with contextlib.suppress(WorldError):  # the next renewal is in time, too
                    await self._desk.ask(keep, self._lease, round(LEASE_SECONDS * SECOND), [*self._had])

    async def _work(self, job: Job) -> None:
        """Carry a job as far as it goes now; what fails is tried again later."""
        try:
            left = await self._carrier.carry(job)
        except asyncio.CancelledError:
            await asyncio.shield(self._give_back(job, 0))
            raise
        except (WorldError, aiohttp.ClientError, TimeoutError) as error:
            structlog.get_logger("kvota.bitrix24").warning("job_put_off", job=job.hash, detail=str(error))
            left = replace(job, attempts=job.attempts + 1)
        except Exception as error:  # noqa: BLE001 - a defect must not end the others
            log_defect("bitrix24_job", error)
            left = replace(job, attempts=job.attempts + 1)
        if left is not None:
            await self._give_back(left, delay_of(left))

    async def _give_back(self, job: Job, delay: int) -> None:
        """Let somebody have it later. Where the store is away, the lease ends by itself."""
        with contextlib.suppress(WorldError):
            latest = await self._desk.ask(self._desk.store.job, job.company, job.hash)
            if latest is not None and latest.lease == job.lease and latest.status not in ("done", "lost"):
                await self._desk.ask(self._desk.store.save_job, replace(latest, attempts=job.attempts), delay)
