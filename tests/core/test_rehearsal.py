"""A company's month under another catalogue."""

import contextlib
import random

import pytest

from kvota.core.catalogue import Book
from kvota.core.entries import Captured, Charged
from kvota.core.periods import Span, month, month_of
from kvota.core.rehearsal import Month, Named, Rehearsal, Sums
from kvota.core.state import replace
from kvota.errors import CallerError
from tests.core.chance import Dice
from tests.core.histories import ZONES
from tests.core.ledger import COMPANY, DAY, SMALL, Ledger, boosts_first, edition
from tests.core.words import ms

START = ms("2026-02-26T09:00")
SEEDS = 60
CATALOGUES = (SMALL, boosts_first(SMALL))


def rehearsed(ledger: Ledger, text: str, span: Span, *, tidy_every: int = 3, **policy: int) -> Month:
    """The month of a ledger under another catalogue."""
    named = Named(span)
    for written in ledger.entries:
        named.see(written.entry)
        named.see_zone(written.entry)
    for name in named.refunded:
        charge = ledger.state.charges[name]
        if charge.entry < named.first:
            named.earlier[name] = replace(charge, refund=None)
    catalogue = edition(text, version="2099-01-01", **policy).catalogue
    rehearsal = Rehearsal(COMPANY, ledger.book, catalogue, span=span, named=named, plan=ledger.account.plan)
    for number, written in enumerate(ledger.entries):
        if written.entry.at < span.end + DAY:
            rehearsal.add(written.entry)
            if number % tidy_every == 0:
                rehearsal.tidy()
    return rehearsal.result()


def counted(ledger: Ledger, span: Span) -> Sums:
    """What the entries say of the month."""
    sums = Sums()
    for fact in (written.entry.fact for written in ledger.entries):
        if isinstance(fact, Charged | Captured) and span.start <= fact.since < span.end:
            sums.calls += 1
            sums.requests += fact.cost
            sums.written_off += fact.written_off if isinstance(fact, Captured) else 0
    return sums


@pytest.mark.parametrize("seed", range(SEEDS))
def test_under_the_same_prices_a_month_costs_what_it_has_cost(seed: int):
    chance = random.Random(seed)  # noqa: S311 - dice
    text, limit = chance.choice(CATALOGUES), chance.choice([4, 4, 50])
    ledger = Ledger(Book([edition(text, hourly_limit=limit)]), at=START, plan="maxi", time_zone=chance.choice(ZONES))
    now = START
    for command, at in Dice(chance).history(ledger, START, 120):
        now = at
        with contextlib.suppress(CallerError):
            ledger.do(command, now)
    account = ledger.account
    months = {month_of(account.time_zone, w.entry.at) for w in ledger.entries if isinstance(w.entry.fact, Charged)}
    for number in sorted(months):
        span = month(account.time_zone, number)
        found = rehearsed(ledger, text, span, hourly_limit=limit)
        assert found.refused == {}
        assert found.before == found.after == counted(ledger, span)
