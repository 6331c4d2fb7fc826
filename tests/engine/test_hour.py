"""How many calls the last 60 minutes had, by look-ups between numbered calls: the same as by counting them all."""

import random
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

import pytest

from kvota.core import commands as c
from kvota.core.account import Usage
from kvota.core.periods import HOUR
from kvota.loading import PROBES
from kvota.stores import open_store
from tests.core.ledger import SMALL
from tests.engine.meter import Meter

LIMIT = 1000
START = 1_772_600_000_000
CHAT = Usage(action="chat")


@pytest.fixture
def meter() -> Iterator[Meter]:
    catalogue = SMALL.replace("hourly_limit = 5", f"hourly_limit = {LIMIT}").replace(
        "allowance = 3", "allowance = 3000"
    )
    opened = Meter(open_store("sqlite:///:memory:"), catalogue)
    yield opened
    opened.close()


def charged(meter: Meter, chance: random.Random, calls: int) -> list[int]:
    """When each call was; some at one instant, some far apart."""
    steps = (chance.choice([0, 1, 40, 5_000, 60_000, 120_000]) for _ in range(calls))
    times = list(accumulate(steps, initial=START))[1:]
    for at in times:
        meter.clock.now = at
        meter.engine.execute(c.ChargeUsage(company="acme", usage=CHAT))
    return times


@pytest.mark.parametrize("seed", range(4))
def test_a_balance_and_a_quote_tell_the_calls_of_the_last_hour_exactly(meter: Meter, seed: int):
    chance = random.Random(seed)  # noqa: S311 - seeded, for a test
    meter.clock.now = START
    meter.engine.execute(c.PutCompany(company="acme", name="Acme", plan="mini", time_zone="UTC"))
    times = charged(meter, chance, 5 * PROBES)
    edges = [at + HOUR + step for at in chance.sample(times, 20) for step in (-1, 0, 1)]
    for now in sorted(at for at in (times[-1], *edges, times[-1] + 3 * HOUR) if at >= times[-1]):
        meter.clock.now = now
        used = len(times) - bisect_right(times, now - HOUR)
        for balance in (
            meter.reads.balance("acme"),
            meter.reads.quote(c.QuoteUsage(company="acme", usage=CHAT)).balance,
        ):
            assert balance.hourly is not None
            assert (balance.hourly.used, balance.hourly.remaining) == (used, LIMIT - used)
