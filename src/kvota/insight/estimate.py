"""What a month of chosen actions would cost, with the plans and boosts that pay for it: the calculator of the prices.

Each call is priced as a charge without a subject is. A boost is bought when the package is used up: with boosts first
it would suspend what is left of it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import ceil, gcd
from typing import NamedTuple

from kvota.core.account import Usage
from kvota.core.catalogue import BoostOffer, Catalogue, Plan, Price, Value
from kvota.core.decisions.calls import find_action
from kvota.core.pricing import Part, price

MAX_STEPS = 2_000
"""So many requests, in units of what all amounts of boosts are multiples of, are covered by trying; of more, the boost
with the cheapest request pays the rest. That is as cheap as trying all, while no two amounts multiply to more units."""


class Chosen(Value, frozen=True, kw_only=True):
    """An action that is carried out ``times`` times, each with these quantities."""

    action: str
    times: int
    quantities: Mapping[str, int] = {}


class Line(Value, frozen=True, kw_only=True):
    """What a chosen action costs each time, with its breakdown, and in all."""

    chosen: Chosen
    each: int
    breakdown: tuple[Part, ...]
    cost: int


class Fit(Value, frozen=True, kw_only=True):
    """A plan, with the boosts that it needs beside its allowance; ``price`` of all for the month, None where not told.

    ``from_allowance`` is what its free requests pay of the cost.
    """

    plan: Plan
    boosts: Mapping[str, int]
    from_allowance: int
    price: Price | None


class Estimate(Value, frozen=True, kw_only=True):
    """``fits`` are the ways to pay ``cost``, cheapest first, those without a price last."""

    lines: tuple[Line, ...]
    cost: int
    fits: tuple[Fit, ...]


def estimate(catalogue: Catalogue, chosen: Sequence[Chosen]) -> Estimate:
    """Price what was chosen. Raises ``UnknownAction``, ``QuantityMissing`` or ``Invalid`` as a charge would."""
    lines = tuple(_line(catalogue, one) for one in chosen)
    names = {one.action for one in chosen}
    plans = [plan for plan in catalogue.plans.values() if all(plan.includes(name) for name in names)]
    shelves: dict[str | None, _Shelf] = {}
    for currency in {plan.price and plan.price.currency for plan in plans}:
        priced = [o for o in catalogue.boosts.values() if o.price is not None and o.price.currency == currency]
        shelves[currency] = _Shelf(priced or list(catalogue.boosts.values()))
    found = (_fit(catalogue, plan, lines, shelves[plan.price and plan.price.currency]) for plan in plans)
    fits = [fit for fit in found if fit is not None]
    return Estimate(lines=lines, cost=sum(line.cost for line in lines), fits=tuple(sorted(fits, key=_order)))


def _line(catalogue: Catalogue, one: Chosen) -> Line:
    usage = Usage(action=one.action, quantities=one.quantities)
    priced = price(find_action(catalogue, one.action), usage, ())
    return Line(chosen=one, each=priced.cost, breakdown=priced.breakdown, cost=priced.cost * one.times)


def _order(fit: Fit) -> tuple[bool, int, int, int, str]:
    amount = 0 if fit.price is None else fit.price.amount
    return fit.price is None, amount, sum(fit.boosts.values()), fit.plan.allowance, fit.plan.id


def _fit(catalogue: Catalogue, plan: Plan, lines: Sequence[Line], shelf: "_Shelf") -> Fit | None:
    paid = _from_allowance(plan.allowance, lines, boosts_first=catalogue.boosts_first)
    boosts = shelf.cheapest(sum(line.cost for line in lines) - paid)
    if boosts is None:
        return None
    parts = [(plan.price, 1), *((catalogue.boosts[name].price, n) for name, n in boosts.items())]
    return Fit(plan=plan, boosts=boosts, from_allowance=paid, price=_total(parts))


def _total(parts: Sequence[tuple[Price | None, int]]) -> Price | None:
    """None where one of them has no price, or another currency."""
    amount, currencies = 0, set[str | None]()
    for price_of_one, times in parts:
        currencies.add(price_of_one and price_of_one.currency)
        amount += times * (price_of_one.amount if price_of_one else 0)
    currency = currencies.pop()
    return None if currency is None or currencies else Price(amount=amount, currency=currency)


def _from_allowance(allowance: int, lines: Sequence[Line], *, boosts_first: bool) -> int:
    """What the package pays before a boost is needed.

    With boosts first no call is paid by both: what is left of the package when no call fits any more is not used. The
    dear calls are made first then, and the others as far as they fit.
    """
    if not boosts_first:
        return min(allowance, sum(line.cost for line in lines))
    left = allowance
    for line in sorted(lines, key=lambda line: -line.each):
        if line.each:
            left -= line.each * min(line.chosen.times, left // line.each)
    return allowance - left


class _Way(NamedTuple):
    price: int
    bought: int
    last: BoostOffer | None


def _cost(offer: BoostOffer) -> int:
    """In minor units; where nothing has a price, the fewest requests are the cheapest."""
    return offer.amount if offer.price is None else offer.price.amount


class _Shelf:
    """Boosts, and the cheapest ways to cover so many units, found once for all plans."""

    def __init__(self, offers: Sequence[BoostOffer]) -> None:
        self._offers = offers
        self._unit = gcd(*(offer.amount for offer in offers))
        self._ways = [_Way(0, 0, None)]

    def cheapest(self, rest: int) -> Mapping[str, int] | None:
        """The cheapest boosts that pay ``rest``, the fewest of equally cheap ones; None where there are none."""
        if rest <= 0:
            return {}
        if not self._offers:
            return None
        best = min(self._offers, key=lambda offer: (_cost(offer) / offer.amount, -offer.amount, offer.id))
        bulk = max(0, rest - MAX_STEPS * self._unit) // best.amount
        steps = ceil((rest - bulk * best.amount) / self._unit)
        found = Counter({best.id: bulk} if bulk else {})
        while steps > 0 and (last := self._way(steps).last) is not None:
            found[last.id] += 1
            steps -= last.amount // self._unit
        return dict(sorted(found.items()))

    def _way(self, steps: int) -> _Way:
        ways = self._ways
        for step in range(len(ways), steps + 1):
            before = [(ways[max(0, step - offer.amount // self._unit)], offer) for offer in self._offers]
            ways.append(min((_Way(w.price + _cost(o), w.bought + 1, o) for w, o in before), key=lambda way: way[:2]))
        return ways[steps]
