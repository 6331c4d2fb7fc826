"""What would save requests, each with its amount. Which rule an action meets follows from its own rules."""

from collections.abc import Iterable
from typing import Literal

from kvota.core.catalogue import Catalogue, Price, Value

Kind = Literal[
    "share_subject", "nearly_free", "made_anew", "repeated", "expired_holds", "bought_early", "buy_later",
    "above_habit", "cheaper_mix",
]  # fmt: skip
SHOWN = 100


class Mix(Value, frozen=True, kw_only=True):
    """What would have paid for the whole months from ``start`` to ``end`` at the least price, beside what was paid.

    ``boosts`` are counted by id, in the order of the catalogue; the prices are for all these months.
    """

    start: str
    end: str
    months: int
    requests: int
    plan: str
    boosts: dict[str, int]
    price: Price
    paid: Price


class Advice(Value, frozen=True, kw_only=True):
    """One thing to do. ``requests`` is what it would have saved, in ``calls`` calls; ``worth`` is that in money.

    ``with_action`` is the one to share a subject with, or to use instead; ``quantity`` that had ``value`` and would be
    free with ``threshold``. ``usual`` is what a user or tool uses in a week by habit. ``on`` is when to act.
    ``entries`` are the first of the calls, by their numbers.
    """

    kind: Kind
    requests: int
    calls: int = 0
    worth: Price | None = None
    action: str | None = None
    with_action: str | None = None
    stage: str | None = None
    quantity: str | None = None
    value: int | None = None
    threshold: int | None = None
    user: str | None = None
    tool: str | None = None
    usual: int | None = None
    on: str | None = None
    mix: Mix | None = None
    entries: tuple[int, ...] = ()


def worth(requests: int, catalogue: Catalogue) -> Price | None:
    """What so many requests cost in the boost that has the lowest price for each, rounded down."""
    priced = [(offer, offer.price) for offer in catalogue.boosts.values() if offer.price is not None]
    if not priced:
        return None
    currency = priced[0][1].currency
    amounts = [requests * price.amount // offer.amount for offer, price in priced if price.currency == currency]
    return Price(amount=min(amounts), currency=currency)


def in_order(found: Iterable[Advice]) -> list[Advice]:
    """What saves money by itself first, then what saves most requests."""
    return sorted(found, key=lambda one: (one.mix is None, -one.requests, one.kind, one.action or "", one.user or ""))
