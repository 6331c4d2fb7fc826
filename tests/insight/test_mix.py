"""The cheapest mix of plan and boosts: as cheap as the best of all that can be tried, under both orders of funds."""

from itertools import product
from random import Random

import pytest

from kvota.catalogue_file import parse
from kvota.core import commands as c
from kvota.core.account import Usage
from kvota.core.catalogue import Catalogue
from kvota.core.declines import Declined
from kvota.insight.mix import Needed, cheapest
from tests.core.ledger import COMPANY, DAY, HOUR, SMALL, Ledger, book, boosts_first
from tests.core.words import ms

RUB = 'currency = "RUB" }\n'
PRICED = (
    SMALL.replace("hourly_limit = 5\n", "")
    .replace("allowance = 3\n", f"allowance = 3\nprice = {{ amount = 0, {RUB}")
    .replace("amount = 2\nvalid_days = 1\n", f"amount = 2\nvalid_days = 2\nprice = {{ amount = 60, {RUB}")
    .replace("amount = 8\nvalid_days = 45\n", f"amount = 8\nvalid_days = 45\nprice = {{ amount = 350, {RUB}")
)
FIRST = ms("2026-01-01T00:00")
PLANS = ("mini", "midi", "maxi")


def lived(text: str, catalogue: Catalogue, days: list[int], plan: str, names: tuple[str, ...]) -> int | None:
    """What it costs to live through these days, buying these boosts one by one where a call is declined.

    None where they are not enough. Everything is decided by the real rules, at noon of each day.
    """
    at = FIRST
    ledger = Ledger(book(text), plan=plan, at=at)
    waiting = list(names)
    for n, requests in enumerate(days):
        for number in range(requests):
            at = FIRST + n * DAY + 12 * HOUR + number
            call = c.ChargeUsage(company=COMPANY, usage=Usage(action="chat"))
            while isinstance(ledger.do(call, at), Declined):
                if not waiting:
                    return None
                offer = catalogue.boosts[waiting.pop(0)]
                until = FIRST + (n + offer.valid_days) * DAY
                ledger.do(c.AddBoost(company=COMPANY, amount=offer.amount, expires_at=until), at)
    spent = sum(catalogue.boosts[name].price.amount for name in names[: len(names) - len(waiting)])
    return catalogue.plans[plan].price.amount * 2 + spent


@pytest.mark.parametrize("order", ["allowance_first", "boosts_first"])
@pytest.mark.parametrize("seed", range(2))
def test_no_plan_with_any_boosts_in_any_order_is_cheaper(order: str, seed: int):
    text = boosts_first(PRICED) if order == "boosts_first" else PRICED
    catalogue = parse(text)
    random = Random(seed)  # noqa: S311 - the same days every time
    days = [0] * 59
    for _ in range(random.randint(8, 18)):
        days[random.randrange(59)] += 1
    needed = Needed(days=tuple(days), months=(0, 31))
    plans = [catalogue.plans[name] for name in PLANS]
    found = cheapest(needed, catalogue, plans, present="mini", override=None, currency="RUB")
    chains = [names for count in range(5) for names in product(catalogue.boosts, repeat=count)]
    prices = [lived(text, catalogue, days, plan, names) for plan in PLANS for names in chains]
    assert found.price == min(price for price in prices if price is not None)


def test_a_plan_without_a_price_is_no_choice_unless_the_company_has_it():
    catalogue = parse(PRICED)
    needed = Needed(days=(6,), months=(0,))
    plans = [catalogue.plans[name] for name in ("textual", "maxi")]
    assert cheapest(needed, catalogue, plans, present="maxi", override=None, currency="RUB").price == 300
    assert cheapest(needed, catalogue, plans, present="textual", override=None, currency="RUB").price == 0


def test_a_company_with_its_own_allowance_keeps_it_on_every_plan():
    catalogue = parse(PRICED)
    needed = Needed(days=(6,), months=(0,))
    plans = [catalogue.plans[name] for name in PLANS]
    found = cheapest(needed, catalogue, plans, present="maxi", override=6, currency="RUB")
    assert (found.price, found.plan, dict(found.boosts)) == (0, "mini", {})
