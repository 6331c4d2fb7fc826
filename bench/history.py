"""A year in the life of a company, made by the real engine in a SQLite store that is thrown away.

Twenty people in four departments ask questions, write mails, have calls processed (each on its own subject) and sites
built (held first, then captured, now and then voided or left to expire). Six of ten calls bring an idempotency key, one
in a hundred is given back. Everything is drawn from a seeded generator.
"""

import contextlib
import random
import tempfile
from concurrent.futures import Future
from pathlib import Path

import apsw

from kvota.catalogue_file import load
from kvota.committing import Outcome
from kvota.core import commands as c
from kvota.core.account import Charge, Hold, Refund, Usage
from kvota.core.periods import DAY, HOUR, MINUTE, month, month_of
from kvota.engine import Engine
from kvota.stores.sqlite import SqliteStore
from kvota.wiring import offer_catalogue

YEAR = 365 * DAY
ZONE = "Europe/Moscow"
PEOPLE, DEPARTMENTS = 20, 4
ACTIONS = ("chat_question", "mail_text", "crm_call_processing", "site_creation")
WEIGHTS = (55, 20, 15, 10)


def make(path: Path, catalogue: str, end: int, companies: dict[str, int]) -> None:
    """Write a SQLite file with the companies, each with at least so many entries, until an hour before ``end``."""
    folder = tempfile.mkdtemp(prefix="history-", dir=path.parent)
    store = SqliteStore(f"{folder}/history.db", temporary=folder)  # nothing in it is synced
    try:
        store.migrate()
        offer_catalogue(store, *load(catalogue))
        clock = Clock(end - YEAR - HOUR)
        engine = Engine(store, clock=clock)
        try:
            for name, entries in companies.items():
                wave = max(4, min(100, entries // 1000))
                _Year(clock, engine, name, wave).write(entries, end - YEAR, end - HOUR)
        finally:
            engine.close()
        with contextlib.closing(apsw.Connection(f"{folder}/history.db")) as made:
            made.execute("VACUUM INTO ?", (str(path),))
    finally:
        store.close()


class Clock:
    """What the engine takes for now."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


class _Year:
    def __init__(self, clock: Clock, engine: Engine, company: str, wave: int) -> None:
        self._clock, self._engine, self._company, self._wave = clock, engine, company, wave
        self._random = random.Random(company)  # noqa: S311 - the same history every time
        self._asked = 0
        self._open: list[Hold] = []
        self._wrong: list[Charge] = []
        self._last = 0

    def write(self, entries: int, start: int, end: int) -> None:
        self._clock.now = start
        first_of_next = month(ZONE, month_of(ZONE, start)).end
        for command in (
            c.PutCompany(company=self._company, name="A company", plan="basic", time_zone=ZONE),
            c.AddBoost(company=self._company, amount=1_000_000, expires_at=first_of_next, reason="welcome"),
        ):
            self._engine.execute(command)
        while self._last < entries:
            self._clock.now = start + (end - start) * self._last // entries
            self._do([self._ask() for _ in range(self._wave)])
            self._clock.now += 5 * MINUTE
            self._do(self._later())

    def _do(self, commands: list[c.Command]) -> None:
        for future in [self._engine.submit(command) for command in commands]:
            self._take(future)

    def _later(self) -> list[c.Command]:
        """What becomes of the wave: all but a few holds are closed, and what went wrong is given back."""
        commands: list[c.Command] = [self._close(hold) for hold in self._open if self._random.random() < 0.98]
        commands += [c.RefundCharge(company=self._company, charge=charge.id) for charge in self._wrong]
        self._open, self._wrong = [], []
        return commands

    def _ask(self) -> c.Command:
        self._asked += 1
        action = self._random.choices(ACTIONS, WEIGHTS)[0]
        person = self._random.randrange(PEOPLE)
        usage = Usage(
            action=action,
            subject=f"call:{self._asked}" if action == "crm_call_processing" else None,
            user=f"user-{person:02}",
            department=f"department-{person % DEPARTMENTS}",
            measures={"context_tokens": self._random.randrange(200, 4000)},
        )
        asker = {"by": "key_0123456789abcdef"}
        if self._random.random() < 0.6:
            asker |= {"key": f"call-{self._asked}", "request": f"{self._random.getrandbits(256):064x}"}
        command = c.HoldUsage if action == "site_creation" else c.ChargeUsage
        return command(company=self._company, usage=usage, **asker)

    def _close(self, hold: Hold) -> c.Command:
        if self._random.random() < 0.1:
            return c.VoidHold(company=self._company, hold=hold.id)
        return c.CaptureHold(company=self._company, hold=hold.id, quantities={"images": self._random.randrange(12)})

    def _take(self, future: Future[Outcome]) -> None:
        match future.result().reply:
            case Hold(status="open") as hold:
                self._open.append(hold)
                self._last = hold.entry
            case Charge() as charge:
                self._last = charge.entry
                if self._random.random() < 0.01:
                    self._wrong.append(charge)
            case Hold() | Refund():
                pass
            case other:
                raise TypeError(f"{self._company}: {other}")
