"""A year of a portal, in minutes: jobs of every kind, faults of every part, and the account at the end."""

import asyncio
import datetime as dt
import random
import time
from collections.abc import Collection
from hashlib import sha256
from typing import Any

from aiohttp import web

from tests.bitrix24.portal import Job
from tests.bitrix24.restarts import Restarts
from tests.bitrix24.rig import COMPANY, Rig, saying
from tests.upstreams.service import failing
from tests.verdict import Verdict

START = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
MONTHS = 12
WAVE = 60
WAVES_AN_HOUR = 8
HASTY = 1.5
CODES = ("summarize_transcript", "extract_form_fields", "call_scoring", "zero_prompt", "task_extraction_prompt")
TRANSCRIPT = "Good afternoon, this is Anna from Acme, you asked about the price of thirty wooden chairs."


class Year:
    """Each way of ``restarts`` is gone so many ``times`` in the year, while a wave of jobs is on its way.

    ``patience``: for so many seconds the portal waits for an answer, but for some jobs that must come too late.
    """

    def __init__(self, rig: Rig, jobs: int, restarts: Restarts, *, times: int, patience: float, seed: str) -> None:
        self.rig, self.portal, self._count, self._restarts = rig, rig.portal, jobs, restarts
        self._chance = random.Random(seed)  # noqa: S311 - seeded, for a test
        self._patience = patience
        self._restarts_wanted = times * len(restarts.ways)
        self.jobs: list[Job] = []
        self._down: dict[str, int] = {}
        self._lossy: set[str] = set()
        self._is_dark = False
        self.portal.down = lambda job: self._is_dark or job.callbacks <= self._down.get(job.hash, 0)
        self.portal.loses_reply = lambda job: job.hash in self._lossy and job.callbacks < 2

    def run(self) -> None:
        """Live through it."""
        waves = max(MONTHS, -(-self._count // WAVE))
        restarts = set(self._chance.sample(range(waves), self._restarts_wanted))
        hours, hour = max(MONTHS, -(-waves // WAVES_AN_HOUR)), -1
        for wave in range(waves):
            if wave * hours // waves > hour:
                hour = wave * hours // waves
                self._rest(self._forgotten())  # a clock that jumps would end holds that no real time ends
                self._turn_to(hour, hours)
            first = wave * self._count // waves
            self._wave((wave + 1) * self._count // waves - first, is_restarted=wave in restarts)
        self._rest()

    def _rest(self, but: Collection[Job] = ()) -> None:
        """Wait, with everything well, until each job has ended."""
        self.rig.behave(self._behaviour(0.0))
        self.rig.idle(self._patience + 60, but)

    def _forgotten(self) -> list[Job]:
        """Those that the portal did not take, though they may have been kept: they end with their ttl."""
        now = time.monotonic()
        return [job for job in self.jobs if job.is_forgotten and job.ends_at + 60 > now]

    def _turn_to(self, hour: int, hours: int) -> None:
        """Turn the company's own clock to one of so many hours of the year; the portal waits for real seconds."""
        at = START.replace(month=hour * MONTHS // hours + 1) + dt.timedelta(hours=2 * hour)
        reply = self.rig.server.call("PUT", "/v1/sandbox/clock", {"now": at.isoformat()})
        assert reply.status == 200, reply

    def _wave(self, count: int, *, is_restarted: bool) -> None:
        jobs = [self._job() for _ in range(count)]
        self.jobs += jobs
        self.rig.behave(self._behaviour())
        self._is_dark = self._chance.random() < 0.1
        sent = [*jobs, *self._chance.sample(jobs, len(jobs) // 5)]  # some come twice,
        self._chance.shuffle(sent)  # and none in the order in which they were made

        async def send(some: list[Job]) -> None:
            await asyncio.gather(*(self.portal.post(job) for job in some))

        if is_restarted:  # with half of them taken, and half on their way
            self.portal.run(send(sent[::2]))
            sending = asyncio.run_coroutine_threadsafe(send(sent[1::2]), self.portal.loop)
            self._restarts.next()
            sending.result(120)
        else:
            self.portal.run(send(sent))
        self._is_dark = False

    def _job(self) -> Job:
        chance, portal = self._chance, self.portal
        ttl = HASTY if chance.random() < 0.03 else self._patience
        user = chance.randrange(1, 40)
        kind = chance.random()
        if kind < 0.1:
            file = portal.keep(f"call-{chance.randrange(50)}", f"recording {chance.randrange(50)}".encode())
            job = portal.make(portal.engine("crm_audio"), ttl=ttl, user=user, prompt={"file": file})
        elif kind < 0.2:
            prompt = {"prompt": "A picture", "images_number": chance.randrange(1, 4)}
            job = portal.make(portal.engine("_images"), ttl=ttl, user=user, prompt=prompt)
        else:
            engine = portal.engine(chance.choice(("_crm", "_texts", "_sites", "_follow_up")))
            prompt = f"{chance.random()}: {TRANSCRIPT}"
            job = portal.make(engine, ttl=ttl, user=user, prompt=prompt, payload_raw=chance.choice(CODES))
        if chance.random() < 0.1:
            self._down[job.hash] = chance.randrange(1, 6)
        if chance.random() < 0.05:
            self._lossy.add(job.hash)
        return job

    def _behaviour(self, share: float | None = None) -> Any:
        chance = random.Random(self._chance.random())  # noqa: S311 - seeded, for a test
        if share is None:
            share = self._chance.choice((0.0, 0.05, 0.3, 1.0 if self._chance.random() < 0.1 else 0.1))

        async def behave(request: web.Request, fields: Any) -> web.StreamResponse:
            if chance.random() < share:
                return await chance.choice((failing(500), failing(429), failing(400), saying(" ")))(request, fields)
            if request.path.endswith("generations"):
                return web.json_response({"data": [{"url": "https://pictures.example/1.png"}] * fields.get("n", 1)})
            return await saying(TRANSCRIPT)(request, fields)

        return behave

    def verdict(self, fault: str) -> Verdict:
        """Each accepted job is charged at most once and answered or refused, and the ledger agrees."""
        problems = [*self.portal.violations]
        kinds = {job.hash: self._kind(job) for job in self.jobs}
        charged = self._charged()
        for job in self.jobs:
            count = charged.get(_key(job), 0)
            kind = kinds[job.hash]
            if count > (kind == "answered"):
                problems.append(f"{job.hash}: {kind}, and charged {count} times")
            if kind == "answered" and not count and job.body["ttl"] == self._patience:
                problems.append(f"{job.hash}: answered, and not paid for")
            if job.is_accepted and kind == "silent" and job.body["ttl"] == self._patience:
                problems.append(f"{job.hash}: accepted, and neither answered nor refused")
        proof = self.rig.command("verify", COMPANY)
        if proof.returncode:
            problems.append(proof.stdout[-500:])
        return Verdict(
            fault=fault,
            store=self.rig.store.partition(":")[0],
            runs=self._restarts_wanted,
            acknowledged=sum(job.is_accepted for job in self.jobs),
            lost=sum(
                job.is_accepted and kinds[job.hash] == "silent" and job.body["ttl"] == self._patience
                for job in self.jobs
            ),
            double=sum(count > 1 for count in charged.values()),
            open_holds=len(self.rig.get("holds?status=open")["items"]),
            problems=tuple(problems[:20]),
        )

    def _charged(self) -> dict[str, int]:
        """How often each key's hold was captured, or charged anew after it had expired."""
        keys: dict[str, str] = {}
        found: dict[str, int] = {}
        for one in self.rig.entries("held", "captured", "charged"):
            if one["kind"] == "held":
                keys[f"hld_{one['seq']:010d}"] = one["key"]
            key = (
                keys.get(one["details"]["hold"], "?")
                if one["kind"] == "captured"
                else (one["key"] or "").removesuffix("-late")
            )
            if one["kind"] != "held":
                found[key] = found.get(key, 0) + 1
        return found

    @staticmethod
    def _kind(job: Job) -> str:
        return "answered" if job.result is not None else "refused" if job.error is not None else "silent"


def _key(job: Job) -> str:
    return f"bitrix24-{sha256(job.hash.encode()).hexdigest()[:40]}"
