"""The cheapest mix of plan and boosts for a use that is known, exactly, under the catalogue's order of funds.

A boost is best bought when nothing else is left: earlier it would expire earlier, and with boosts first it would
suspend what is left of the package. So all that must be chosen is which boost to buy at each such moment. A moment is
a day and what of its use is paid already, and what a boost leads to depends on nothing else: the cheapest chain of them
is a shortest path. Days are whole here: a boost bought on a day is there on it and on the ``valid_days - 1`` after it.
"""

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kvota.core.catalogue import BoostOffer, Catalogue, Plan, Value

MAX_MOMENTS = 50_000
"""More are not looked at; the plan is left out then."""


class Needed(Value, frozen=True, kw_only=True):
    """What was used on each day; ``months`` are the indexes of the days on which a new period began, 0 first."""

    days: tuple[int, ...]
    months: tuple[int, ...]


class Bought(NamedTuple):
    """What it costs in minor units, the plan for every month included, and which boosts how often."""

    price: int
    plan: str
    boosts: Mapping[str, int]


class Moment(NamedTuple):
    """Nothing is left on that day, of whose use ``paid`` is paid."""

    day: int
    paid: int


def cheapest(
    needed: Needed, catalogue: Catalogue, plans: Sequence[Plan], *, present: str, override: int | None, currency: str
) -> Bought | None:
    """The cheapest of the plans with the boosts that it needs; with equal prices the present plan, then fewer boosts.

    A plan without a price is no choice, except for the present one, which then counts as paid for.
    """
    offers = [o for o in catalogue.boosts.values() if o.price is not None and o.price.currency == currency]
    best: Bought | None = None
    for plan in sorted(plans, key=lambda plan: (plan.id != present, plan.id)):
        monthly = 0 if plan.price is None else plan.price.amount
        if (plan.price is None and plan.id != present) or (plan.price and plan.price.currency != currency):
            continue
        fixed = monthly * len(needed.months)
        allowance = plan.allowance if override is None else override
        room = None if best is None else best.price - fixed
        chain = _cheapest_chain(needed, allowance, offers, boosts_first=catalogue.boosts_first, below=room)
        if chain is not None and (best is None or fixed + chain[0] < best.price):
            best = Bought(fixed + chain[0], plan.id, Counter(chain[1]))
    return best


def _cheapest_chain(
    needed: Needed, allowance: int, offers: Sequence[BoostOffer], *, boosts_first: bool, below: int | None
) -> tuple[int, tuple[str, ...]] | None:
    """The price and the boosts of the cheapest chain of purchases; None where there is none ``below`` that price."""
    course = _Course(needed, allowance, boosts_first=boosts_first)
    start = course.until_dry(0, 0, package=allowance, boost=0, gone=0)
    if start is None:
        return (0, ()) if below is None or below > 0 else None
    heap: list[tuple[int, int, Moment, tuple[str, ...]]] = [(0, 0, start, ())]
    done: set[Moment] = set()
    finished: tuple[int, tuple[str, ...]] | None = None
    while heap and len(done) < MAX_MOMENTS:
        price, count, moment, names = heapq.heappop(heap)
        if moment.day == len(needed.days):
            finished = (price, names)
            break
        if moment in done:
            continue
        done.add(moment)
        for offer in offers:
            total = price + (offer.price.amount if offer.price else 0)
            if below is None or total < below:
                after = course.until_dry(*moment, package=0, boost=offer.amount, gone=moment.day + offer.valid_days)
                end = Moment(len(needed.days), 0) if after is None else after
                heapq.heappush(heap, (total, count + 1, end, (*names, offer.id)))
    return finished


class _Course:
    """The use of all days, and who pays it."""

    def __init__(self, needed: Needed, allowance: int, *, boosts_first: bool) -> None:
        self._days, self._months = needed.days, set(needed.months)
        self._allowance, self._boosts_first = allowance, boosts_first

    def until_dry(self, day: int, paid: int, *, package: int, boost: int, gone: int) -> Moment | None:
        """The next moment at which nothing is left and something is needed; None where all is paid to the end."""
        is_asleep = self._boosts_first and boost > 0
        for n in range(day, len(self._days)):
            if n >= gone:
                boost = 0
            if n in self._months and n != day:
                package, is_asleep = self._allowance, self._boosts_first and boost > 0
            rest = self._days[n] - (paid if n == day else 0)
            if not is_asleep:
                part = min(rest, package)
                package, rest = package - part, rest - part
            part = min(rest, boost)
            boost, rest = boost - part, rest - part
            if rest:
                return Moment(n, self._days[n] - rest)
        return None
