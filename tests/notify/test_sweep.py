"""What time brings is found by one process at a time, and told once."""

from collections.abc import Iterator

import pytest

from kvota.core import commands as c
from kvota.core.account import Usage
from kvota.core.notices import Event, Notifications
from kvota.core.periods import DAY, HOUR, MINUTE
from kvota.notify.sweep import Sweep
from kvota.settings import Settings
from kvota.wiring import Meter, open_meter
from tests.acceptance.servers import CATALOGUE
from tests.core.words import ms

CHAT = Usage(action="chat_question")
BEGIN = ms("2026-03-02")


class Past:
    """A meter whose clock the test sets."""

    def __init__(self, url: str) -> None:
        self.now = BEGIN
        self.meter: Meter = open_meter(Settings(store=url, catalogue=str(CATALOGUE)), clock=lambda: self.now)

    def company(self, name: str, plan: str) -> None:
        self.meter.engine.execute(c.PutCompany(company=name, name=name.title(), plan=plan, time_zone="UTC"))
        self.meter.store.put_notifications(Notifications(company=name, mail=("a@example.com",)))

    def charge(self, company: str, times: int) -> None:
        for _ in range(times):
            self.now += MINUTE
            self.meter.engine.execute(c.ChargeUsage(company=company, usage=CHAT))

    def days(self, company: str, *each: int) -> None:
        """So much on each of the coming days."""
        for times in each:
            begun = self.now
            self.charge(company, times)
            self.now = begun + DAY

    def sweep(self) -> list[Event]:
        """A whole round; the events that are there afterwards."""
        sweep = Sweep(self.meter.store, self.meter.reads, page=2)
        self.meter.store.hand_back("sweep", 0, "")
        for _ in range(3):
            sweep.once()
        with self.meter.store.snapshot() as view:
            names = [one.company for one in view.accounts("", 100)]
        return sorted(self.meter.store.told(names, 0), key=lambda one: (one.company, one.kind, one.at))


@pytest.fixture
def past(store_url: str) -> Iterator[Past]:
    made = Past(store_url)
    yield made
    made.meter.close()


def test_a_package_that_will_not_last_is_told_once_in_its_period(past: Past):
    for name, plan in (("heavy", "small"), ("light", "large"), ("silent", "small")):
        past.company(name, plan)
    past.meter.store.put_notifications(Notifications(company="silent"))
    for _ in range(12):
        for name in ("heavy", "light", "silent"):
            past.charge(name, 5)
        past.now += DAY - 15 * MINUTE
    (told,) = past.sweep()
    assert (told.company, told.kind) == ("heavy", "forecast.runs_out")
    assert told.data["available"] == 40
    assert told.data["missing"]["middle"] > 10
    assert "2026-03-16" < told.data["runs_out"]["middle"] < "2026-03-31"
    past.now += 2 * HOUR
    assert past.sweep() == [told]


def test_a_boost_that_expires_within_a_week_is_told_once(past: Past):
    past.company("acme", "small")
    for days in (5, 9, 30):
        past.meter.engine.execute(c.AddBoost(company="acme", amount=20 + days, expires_at=BEGIN + days * DAY))
    (told,) = past.sweep()
    assert (told.kind, told.data["left"], told.data["expires_at"]) == ("boost.expires", 25, "2026-03-07T00:00:00.000Z")
    past.now += 3 * DAY
    assert [one.data["left"] for one in past.sweep()] == [25, 29]
    past.now += 3 * DAY
    assert len(past.sweep()) == 2


def test_unusual_spending_is_told_beside_what_is_usual(past: Past):
    past.company("acme", "large")
    past.company("steady", "large")
    past.days("acme", *([6] * 10))
    past.now = BEGIN
    past.days("steady", *([30] * 10))
    past.charge("acme", 40)
    past.charge("steady", 40)
    (told,) = past.sweep()
    assert (told.company, told.kind, told.data["requests"], told.data["usual"]) == ("acme", "usage.unusual", 40, 6)
    past.now += HOUR
    assert past.sweep() == [told]


def test_one_process_sweeps_at_a_time_and_another_goes_on_where_it_came_to(past: Past):
    for number in range(5):
        past.company(f"acme-{number}", "small")
        past.meter.engine.execute(c.AddBoost(company=f"acme-{number}", amount=1, expires_at=past.now + DAY))
    first, second = (Sweep(past.meter.store, past.meter.reads, page=2) for _ in range(2))
    assert first.once() == 5  # boosts are looked for once in a round
    assert past.meter.store.lease("sweep", MINUTE) == "acme-1"
    assert second.once() == 0
    past.meter.store.hand_back("sweep", 0, "acme-1")
    second.once()
    assert past.meter.store.lease("sweep", MINUTE) == "acme-3"
    past.meter.store.hand_back("sweep", 0, "acme-3")
    first.once()
    assert past.meter.store.lease("sweep", MINUTE) is None  # the round is over, and rests
