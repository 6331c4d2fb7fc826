"""The calculator: it says what charges cost, and what it says fits is enough, as cheaply as can be."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvota.catalogue_file import parse
from kvota.core import commands as c
from kvota.core.account import Charge, Usage
from kvota.core.declines import Declined
from kvota.errors import QuantityMissing, UnknownAction
from kvota.insight.estimate import Chosen, estimate
from tests.core.ledger import COMPANY, DAY, SMALL, Ledger, book, boosts_first
from tests.core.words import ms

FIRST = ms("2026-01-01T00:00")
ROOMY = SMALL.replace("hourly_limit = 5\n", "").replace("user_daily_cap = 4\n", "")
PRICED = (
    ROOMY.replace("allowance = 3\n", 'allowance = 3\nprice = { amount = 0, currency = "RUB" }\n')
    .replace("amount = 2\n", 'amount = 2\nprice = { amount = 60, currency = "RUB" }\n')
    .replace("amount = 8\n", 'amount = 8\nprice = { amount = 350, currency = "RUB" }\n')
)
checked = settings(max_examples=80, derandomize=True, database=None, deadline=None)


@st.composite
def choices(draw: st.DrawFn) -> list[Chosen]:
    """Some actions of the small catalogue, each a few times, with the quantities that it needs."""
    actions = parse(SMALL).actions
    chosen: list[Chosen] = []
    for name in draw(st.lists(st.sampled_from(sorted(actions)), min_size=1, max_size=4)):
        quantities = {quantity: draw(st.integers(0, 6)) for quantity in actions[name].quantities}
        chosen.append(Chosen(action=name, times=draw(st.integers(0, 5)), quantities=quantities))
    return chosen


def charge(ledger: Ledger, one: Chosen) -> Charge | Declined:
    usage = Usage(action=one.action, quantities=one.quantities)
    return ledger.do(c.ChargeUsage(company=COMPANY, usage=usage), FIRST)


@checked
@given(choices())
def test_an_estimate_is_what_charges_cost(chosen: list[Chosen]):
    found = estimate(parse(ROOMY), chosen)
    ledger = Ledger(book(ROOMY), plan="maxi", at=FIRST, allowance_override=10**6)
    for line in found.lines:
        charges = [charge(ledger, line.chosen) for _ in range(line.chosen.times)]
        assert sum(one.cost for one in charges) == line.cost
        assert line.each == sum(part.cost for part in line.breakdown)
    assert ledger.state.known.used == found.cost == sum(line.cost for line in found.lines)


@checked
@given(choices(), st.booleans())
def test_what_fits_is_enough_when_it_is_carried_out(chosen: list[Chosen], is_first: bool):  # noqa: FBT001 - drawn
    text = boosts_first(PRICED) if is_first else PRICED
    found = estimate(parse(text), chosen)
    assert [fit.price is None for fit in found.fits] == sorted(fit.price is None for fit in found.fits)
    for fit in found.fits:
        ledger = Ledger(book(text), plan=fit.plan.id, at=FIRST)
        calls = [
            one
            for line in sorted(found.lines, key=lambda line: -line.each)
            for one in [line.chosen] * line.chosen.times
        ]
        late = [one for one in calls if isinstance(charge(ledger, one), Declined)]
        for name, times in fit.boosts.items():
            for _ in range(times):
                amount = ledger.book.at(FIRST).boosts[name].amount
                ledger.do(c.AddBoost(company=COMPANY, amount=amount, expires_at=FIRST + DAY), FIRST)
        assert all(isinstance(charge(ledger, one), Charge) for one in late), fit


@checked
@given(st.integers(0, 60), st.booleans())
def test_no_mix_with_a_price_is_cheaper_than_the_first(times: int, is_first: bool):  # noqa: FBT001 - drawn
    catalogue = parse(boosts_first(PRICED) if is_first else PRICED)
    first = estimate(catalogue, [Chosen(action="chat", times=times)]).fits[0]
    offers = list(catalogue.boosts.values())
    prices = [
        plan.price.amount + sum(n * offer.price.amount for n, offer in zip(counts, offers, strict=True))
        for plan in catalogue.plans.values()
        if plan.price is not None
        for counts in product(range(31), range(16), range(9))
        if plan.allowance + sum(n * offer.amount for n, offer in zip(counts, offers, strict=True)) >= times
    ]
    assert first.price is not None
    assert first.price.amount == min(prices)


def test_plans_that_lack_a_chosen_action_do_not_fit_and_those_without_a_price_come_last():
    found = estimate(parse(PRICED), [Chosen(action="analytics", times=1)])
    assert "textual" not in [fit.plan.id for fit in found.fits]
    found = estimate(parse(PRICED), [Chosen(action="chat", times=1)])
    assert (found.fits[0].plan.id, found.fits[-1].plan.id) == ("mini", "textual")


def test_millions_are_covered_by_the_boost_with_the_cheapest_request():
    catalogue = parse(PRICED)
    fit = next(fit for fit in estimate(catalogue, [Chosen(action="chat", times=10**6)]).fits if fit.plan.id == "mini")
    amount = sum(catalogue.boosts[name].amount * n for name, n in fit.boosts.items())
    assert 0 <= amount + fit.plan.allowance - 10**6 < 8
    assert fit.price is not None
    assert fit.price.amount == 30 * (10**6 - 3 + 1)  # 60 for 2, and one request too many


def test_what_a_charge_refuses_an_estimate_refuses():
    catalogue = parse(SMALL)
    with pytest.raises(UnknownAction):
        estimate(catalogue, [Chosen(action="nothing", times=1)])
    needy = next(action for action in catalogue.actions.values() if action.per)
    with pytest.raises(QuantityMissing):
        estimate(catalogue, [Chosen(action=needy.id, times=1)])
