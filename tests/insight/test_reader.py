"""What the insight reads of a real store: the forecast of a company and, where nothing is left, the way out."""

from collections.abc import Iterator

import pytest

from kvota.core import commands as c
from kvota.core.account import Usage
from kvota.errors import NotFound
from kvota.insight.reader import outlook
from kvota.stores import open_store
from tests.core.ledger import COMPANY, DAY, HOUR, SMALL, boosts_first
from tests.core.words import ms
from tests.engine.meter import Meter

ROOMY = SMALL.replace("hourly_limit = 5", "hourly_limit = 1000")
FIRST = ms("2026-03-01T09:00")


@pytest.fixture
def meter() -> Iterator[Meter]:
    meter = Meter(open_store("sqlite:///:memory:"), ROOMY)
    yield from started(meter)


@pytest.fixture
def suspending() -> Iterator[Meter]:
    meter = Meter(open_store("sqlite:///:memory:"), boosts_first(ROOMY))
    yield from started(meter)


def started(meter: Meter) -> Iterator[Meter]:
    meter.clock.now = FIRST
    meter.engine.execute(
        c.PutCompany(company=COMPANY, name="Acme", plan="mini", time_zone="UTC", allowance_override=100)
    )
    yield meter
    meter.close()


def charge(meter: Meter, times: int = 1, at: int | None = None) -> list[object]:
    if at is not None:
        meter.clock.now = at
    command = c.ChargeUsage(company=COMPANY, usage=Usage(action="chat"))
    return [meter.engine.execute(command).reply for _ in range(times)]


def test_the_forecast_begins_on_the_third_day(meter: Meter):
    charge(meter, 5, FIRST + HOUR)
    second = outlook(meter.reads, COMPANY)
    assert (second.forecast.basis, second.forecast.verdict, second.forecast.used) == ("too_thin", "unknown", 5)
    charge(meter, 5, FIRST + DAY)
    meter.clock.now = FIRST + 2 * DAY
    third = outlook(meter.reads, COMPANY)
    assert (third.forecast.basis, third.forecast.used, third.paying) == ("rough", 10, "package")
    assert third.forecast.expected.middle > 60
    assert third.used_up is None


def test_of_today_only_what_usually_comes_after_this_hour_is_added(meter: Meter):
    for day in range(5):
        charge(meter, 6, FIRST + day * DAY)
    meter.clock.now = FIRST + 4 * DAY + 10 * HOUR
    ahead = outlook(meter.reads, COMPANY).forecast.ahead
    assert ahead[0].used.middle - 30 <= 2
    assert ahead[1].used.middle - ahead[0].used.middle >= 3


def test_days_cut_short_by_an_empty_package_do_not_lower_the_forecast(meter: Meter):
    for day in range(10):
        charge(meter, 10, FIRST + day * DAY)
    assert charge(meter, 1, FIRST + 10 * DAY)[0].reason == "insufficient_requests"
    meter.clock.now = FIRST + 29 * DAY
    said = outlook(meter.reads, COMPANY)
    assert said.forecast.known_days == 10
    assert said.forecast.verdict == "used_up"
    assert said.forecast.missing.low > 0


def test_what_is_used_up_says_since_when_and_what_would_help(meter: Meter):
    charge(meter, 99, FIRST)
    charge(meter, 1, FIRST + 7 * HOUR)
    charge(meter, 3, FIRST + DAY)
    said = outlook(meter.reads, COMPANY)
    out = said.used_up
    assert said.paying == "nothing"
    assert (out.since, out.declined) == (FIRST + 7 * HOUR, 3)
    assert out.renews_at == out.returns_at == ms("2026-04-01T00:00")
    assert "chat" in out.blocked
    boosts = {way.id: way.available for way in out.ways_out if way.kind == "boost"}
    assert boosts == {offer.id: offer.amount for offer in meter.reads.catalogue().boosts.values()}
    assert out.ways_out[-1].kind == "wait"


def test_the_end_of_a_boost_that_is_not_written_yet_counts(suspending: Meter):
    charge(suspending, 3, FIRST)
    suspending.engine.execute(c.AddBoost(company=COMPANY, amount=50, expires_at=FIRST + 5 * DAY))
    suspending.clock.now = FIRST + 4 * DAY
    said = outlook(suspending.reads, COMPANY)
    assert (said.paying, said.is_package_suspended, said.available) == ("boosts", True, 50)
    suspending.clock.now = FIRST + 6 * DAY
    said = outlook(suspending.reads, COMPANY)
    assert (said.paying, said.used_up.since) == ("nothing", FIRST + 5 * DAY)
    assert said.used_up.returns_at == ms("2026-04-01T00:00")


def test_a_company_that_is_not_there_is_not_found(meter: Meter):
    with pytest.raises(NotFound):
        outlook(meter.reads, "nobody")
