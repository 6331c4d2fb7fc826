"""Reads what advice rests on: the last 30 days of a ledger, weekly sums, the use of whole months, paid boosts."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from kvota.core.catalogue import Catalogue, Plan, Price, Value
from kvota.core.entries import BoostAdded
from kvota.core.periods import DAY, Span, date_on, day, days_between, first_instant, month, month_name, month_of
from kvota.insight.advice import Advice, Mix, in_order, worth
from kvota.insight.calls import stretch
from kvota.insight.habits import WEEKS, above_habit
from kvota.insight.mix import Needed, cheapest
from kvota.insight.newest import newest
from kvota.insight.reader import outlook_of
from kvota.insight.savings import savings
from kvota.reads import Look, Reads
from kvota.store import EntryFilter, UsageFilter

DAYS = 30
PAGE = 1000
MONTHS = 3


class Advised(Value, frozen=True, kw_only=True):
    """Advice of the ledger from ``start`` to ``at``; ``is_whole`` is False where that is less than 30 days."""

    company: str
    start: int
    at: int
    entries: int
    is_whole: bool
    advice: tuple[Advice, ...]


def advise(reads: Reads, company: str) -> Advised:
    """What would have saved requests, or money, and what will."""
    with reads.look(company) as look:
        seen = newest(look, look.now - DAYS * DAY)
        catalogue = look.book.at(look.now)
        found = [
            *savings(stretch(seen.entries), look.book, catalogue),
            *_above_habit(look, catalogue),
            *_cheaper_mix(look, catalogue),
            *_buy_later(look, catalogue),
        ]
        return Advised(
            company=company,
            start=seen.start,
            at=look.now,
            entries=seen.length,
            is_whole=seen.is_whole,
            advice=tuple(in_order(found)),
        )


def _above_habit(look: Look, catalogue: Catalogue) -> Iterator[Advice]:
    """Weeks of seven local days that the company has been there, the last of which ended with yesterday."""
    zone = look.state.known.time_zone
    today = dt.date.fromisoformat(date_on(zone, look.now))
    ends = [first_instant(zone, today - dt.timedelta(days=7 * n)) for n in range(WEEKS + 2)]
    born = day(zone, look.state.known.created_at).start
    spans = [Span(start, end) for end, start in pairwise(ends) if start >= born]
    users, tools = (defaultdict[str, list[int]](lambda: [0] * len(spans)) for _ in range(2))
    for row in look.view.usage(look.state.company, spans, ["user", "tool"], UsageFilter()):
        for weeks, name in ((users, row.user), (tools, row.tool)):
            weeks[name or ""][row.span] += row.requests - row.refunded
    yield from above_habit("user", users, catalogue)
    yield from above_habit("tool", tools, catalogue)


def _cheaper_mix(look: Look, catalogue: Catalogue) -> Iterator[Advice]:
    account = look.state.known
    zone, this = account.time_zone, month_of(account.time_zone, look.now)
    numbers = [n for n in range(this - MONTHS, this) if month(zone, n).start >= day(zone, account.created_at).start]
    present = catalogue.plans[account.plan]
    currency = _currency(catalogue, present)
    if not numbers or currency is None:
        return
    span = Span(month(zone, numbers[0]).start, month(zone, this).start)
    needed, actions = _needed(look, span)
    plans = [
        plan
        for plan in catalogue.plans.values()
        if plan.id == present.id or (plan.user_daily_cap is None and all(map(plan.includes, actions)))
    ]
    found = cheapest(
        needed, catalogue, plans, present=present.id, override=account.allowance_override, currency=currency
    )
    paid = (0 if present.price is None else present.price.amount) * len(numbers) + _paid(look, span, catalogue)
    if found is None or found.price >= paid:
        return
    yield Advice(
        kind="cheaper_mix",
        requests=0,
        worth=Price(amount=paid - found.price, currency=currency),
        mix=Mix(
            start=month_name(numbers[0]),
            end=month_name(numbers[-1]),
            months=len(numbers),
            requests=sum(needed.days),
            plan=found.plan,
            boosts={name: found.boosts[name] for name in catalogue.boosts if name in found.boosts},
            price=Price(amount=found.price, currency=currency),
            paid=Price(amount=paid, currency=currency),
        ),
    )


def _currency(catalogue: Catalogue, present: Plan) -> str | None:
    """That of the present plan, else of the first priced boost; None where nothing has a price."""
    prices = [present.price, *(boost.price for boost in catalogue.boosts.values())]
    return next((price.currency for price in prices if price is not None), None)


def _needed(look: Look, span: Span) -> tuple[Needed, set[str]]:
    """The use of each local day, and the actions that were used."""
    zone = look.state.known.time_zone
    first, after = (dt.date.fromisoformat(date_on(zone, at)) for at in span)
    dates = days_between(zone, first, after)
    used, actions = [0] * len(dates), set[str]()
    for row in look.view.usage(look.state.company, [whole for _, whole in dates], ["action"], UsageFilter()):
        used[row.span] += row.requests - row.refunded
        actions.add(row.action or "")
    months = tuple(n for n, (date, _) in enumerate(dates) if date.endswith("-01"))
    return Needed(days=tuple(used), months=months), actions


def _paid(look: Look, span: Span, catalogue: Catalogue) -> int:
    """What the boosts of the catalogue that were added in these months cost by it."""
    which = EntryFilter(kind="boost_added", start=span.start, end=span.end)
    paid = 0
    after = 0
    while page := look.view.entries(look.state.company, which, after, PAGE):
        for written in page:
            fact = written.entry.fact
            offer = catalogue.boosts.get(fact.boost or "") if isinstance(fact, BoostAdded) else None
            paid += offer.price.amount if offer is not None and offer.price is not None else 0
        after = page[-1].entry.seq
    return paid


def _buy_later(look: Look, catalogue: Catalogue) -> Iterator[Advice]:
    """With boosts first: what a boost that is bought now would suspend, and when the package is likely used up."""
    said = outlook_of(look)
    runs_out = said.forecast.runs_out
    is_package_alone = said.paying == "package" and not said.is_package_suspended
    if catalogue.boosts_first and is_package_alone and runs_out is not None and runs_out.middle is not None:
        left = said.available
        yield Advice(kind="buy_later", requests=left, worth=worth(left, catalogue), on=runs_out.middle.isoformat())
