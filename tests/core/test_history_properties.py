"""What holds for every history of a company, whatever happened in it."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kvota.core import commands as c
from kvota.core.account import Account, Charge, Hold
from kvota.core.catalogue import Book
from kvota.core.decisions.calls import Quote
from kvota.core.declines import Declined
from kvota.core.effects import Header, apply
from kvota.core.entries import Captured, Ended, Held, chain, read
from kvota.core.entries import canonical as canonical_bytes
from kvota.core.periods import HOUR
from kvota.core.state import State, replace
from kvota.errors import CallerError
from tests.core.chance import PLANS, Dice
from tests.core.histories import ZONES
from tests.core.ledger import COMPANY, DAY, SMALL, Ledger, boosts_first, edition

START = 1_772_323_200_000  # 2026-03-01T00:00:00Z
LATER = (1, HOUR, 7 * HOUR, DAY, 2 * DAY, 8 * DAY, 32 * DAY, 64 * DAY, 400 * DAY)

checked = settings(
    max_examples=60, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
dice = st.randoms(use_true_random=True)


def books() -> st.SearchStrategy[Book]:
    """One catalogue, or two whose hourly limit and order of funds differ."""

    def make(is_first: bool, limits: list[int], later: int) -> Book:  # noqa: FBT001 - drawn
        text = boosts_first(SMALL) if is_first else SMALL
        second = edition(text, START + later, "2026-02-02", hourly_limit=limits[1])
        return Book([edition(text, hourly_limit=limits[0]), second])

    two = st.lists(st.integers(2, 7), min_size=2, max_size=2)
    return st.builds(make, st.booleans(), two, st.sampled_from([HOUR, 20 * HOUR, 5 * DAY, 3000 * DAY]))


def lived(book: Book, random: random.Random, steps: int = 60) -> tuple[Ledger, int, Dice]:
    """A ledger with a random history, the instant at which it stands, and the dice to go on with."""
    dice, now = Dice(random), START
    ledger = Ledger(book, at=now, plan=random.choice(PLANS), time_zone=random.choice(ZONES))
    for command, at in dice.history(ledger, now, steps):
        now = at
        attempt(ledger, command, now)
    return ledger, now, dice


def attempt(ledger: Ledger, command: c.Command, now: int) -> object:
    try:
        return ledger.do(command, now)
    except CallerError as error:
        return error


def copied(ledger: Ledger) -> Ledger:
    twin = Ledger(ledger.book)
    twin.state = ledger.state.fork()
    return twin


def is_approved(ledger: Ledger, command: c.Command, at: int) -> bool:
    return isinstance(attempt(copied(ledger), command, at), Charge | Hold)


def some_decline(ledger: Ledger, dice: Dice, now: int) -> tuple[c.ChargeUsage, Declined] | None:
    for _ in range(12):
        command = c.ChargeUsage(company=COMPANY, usage=dice.usage())
        reply = attempt(copied(ledger), command, now)
        if isinstance(reply, Declined):
            return command, reply
    return None


@checked
@given(books(), dice)
def test_retry_at_is_the_first_instant_at_which_the_same_call_is_approved(book: Book, random: random.Random):
    ledger, now, dice = lived(book, random)
    now = max(now, ledger.account.at)
    if (found := some_decline(ledger, dice, now)) is None:
        return
    command, declined = found
    if declined.retry_at is None:
        assert not any(is_approved(ledger, command, now + span) for span in LATER)
        return
    assert is_approved(ledger, command, declined.retry_at)
    before = {declined.retry_at - 1, *(random.randrange(now, declined.retry_at) for _ in range(20))}
    assert not any(is_approved(ledger, command, at) for at in before)


@checked
@given(books(), dice)
def test_a_quote_is_the_charge_that_follows(book: Book, random: random.Random):
    ledger, now, dice = lived(book, random)
    for _ in range(8):
        usage = dice.usage()
        quote = attempt(ledger, c.QuoteUsage(company=COMPANY, usage=usage), now)
        shown = ledger.balance(now)
        charged = attempt(ledger, c.ChargeUsage(company=COMPANY, usage=usage), now)
        match quote:
            case Quote() if quote.decline is None:
                assert isinstance(charged, Charge)
                assert (quote.cost, quote.draws) == (charged.cost, charged.draws)
            case Quote():
                assert quote.decline == charged
            case _:
                assert str(quote) == str(charged)
        assert not isinstance(quote, Quote) or quote.balance == shown


@checked
@given(books(), dice)
def test_what_a_boost_was_is_left_held_used_or_gone(book: Book, random: random.Random):
    ledger, _, _ = lived(book, random)
    state = ledger.state
    for boost in state.boosts.values():
        held = sum(n for h in state.open_holds() for source, n in h.draws if source == boost.id)
        assert (boost.held, min(boost.left, boost.used, boost.held) >= 0) == (held, True)
        if boost.status == "live":
            assert boost.left == boost.amount - boost.used - boost.held
    live = state.live_boosts()
    account = ledger.account
    assert (account.boosts_left, account.boosts_held) == (sum(b.left for b in live), sum(b.held for b in live))
    assert (account.live_boosts, account.open_holds) == (len(live), len(state.open_holds()))


@checked
@given(books(), dice)
def test_what_boosts_have_given_is_what_stands_on_them(book: Book, random: random.Random):
    ledger, _, _ = lived(book, random)
    state = ledger.state
    standing: dict[str, int] = {}
    refunded = {name for name, charge in state.charges.items() if charge.refund is not None}
    for name, charge in state.charges.items():
        back = dict.fromkeys((), 0) if name not in refunded else state.charges[name].refund
        for source, n in charge.draws:
            standing[source] = standing.get(source, 0) + n
        if name in refunded and back is not None:
            for source, n in back.draws:  # type: ignore[union-attr]
                standing[source] = standing.get(source, 0) - n
    assert {b.id: b.used for b in state.boosts.values() if b.used} == {
        source: n for source, n in standing.items() if n and source.startswith("bst_")
    }


@checked
@given(books(), dice)
def test_the_entries_are_a_chain_of_hashes_numbered_without_gaps_and_time_never_runs_back(
    book: Book, random: random.Random
):
    ledger, _, _ = lived(book, random)
    previous, before = "", 0
    for number, written in enumerate(ledger.entries, start=1):
        assert written.entry.seq == number
        assert written.entry.at >= before
        assert read(written.body) == written.entry
        assert canonical_bytes(read(written.body)) == written.body
        assert chain(previous, written.body) == written.hash
        previous, before = written.hash, written.entry.at
    assert ledger.account.hash == previous


@checked
@given(books(), dice)
def test_replaying_the_entries_gives_the_same_company(book: Book, random: random.Random):
    ledger, _, _ = lived(book, random)
    again = State(COMPANY, None)
    for written in ledger.entries:
        entry = read(written.body)
        apply(entry.fact, again, Header(entry.at, entry.seq, entry.catalogue))
        again.account = replace(again.known, seq=entry.seq, at=entry.at, hash=written.hash)
        if isinstance(entry.fact, Held | Captured | Ended):
            name = f"hld_{entry.seq:010d}" if isinstance(entry.fact, Held) else entry.fact.hold
            again.put_hold(replace(again.holds[name], available=entry.balance.available))
    state = ledger.state
    assert _told(again.known) == _told(state.known)
    assert (again.holds, again.boosts, again.caps) == (state.holds, state.boosts, state.caps)
    assert again.stages == state.stages
    assert again.changes.statistics == state.changes.statistics


def _told(account: Account) -> Account:
    """What entries tell of an account: they do not say since when sums for caps are kept, nor how many orders."""
    return replace(account, spending_zones=(), orders=0)


@checked
@given(books(), dice)
def test_repeating_a_refund_a_void_or_a_capture_changes_nothing(book: Book, random: random.Random):
    ledger, now, dice = lived(book, random, 30)
    for command, at in dice.history(ledger, now, 40):
        first = attempt(ledger, command, at)
        if not isinstance(command, c.CaptureHold | c.VoidHold | c.RefundCharge) or isinstance(first, Exception):
            continue
        if not isinstance(first, Declined):
            account = ledger.account
            assert attempt(ledger, command, at + random.choice([0, DAY])) == first
            assert ledger.account is account


@checked
@given(books(), dice)
def test_the_hour_never_has_more_calls_than_its_limit_and_refuses_none_that_fits(book: Book, random: random.Random):
    dice, now = Dice(random), START
    ledger = Ledger(book, at=now, plan="maxi", time_zone="UTC", allowance_override=1000)
    calls: list[int] = []
    for _ in range(120):
        now += random.choice([0, 0, 1, 60_000, 600_000, 1_800_000, HOUR - 1, HOUR])
        reply = attempt(ledger, c.ChargeUsage(company=COMPANY, usage=dice.usage()), now)
        limit = book.at(now).policy.hourly_limit or 0
        used = sum(at > now - HOUR for at in calls)
        assert (isinstance(reply, Declined) and reply.reason == "hourly_limit") == (used >= limit)
        if isinstance(reply, Charge):
            calls.append(now)
        hourly = ledger.balance(now).hourly
        assert hourly is not None
        assert hourly.used == sum(at > now - HOUR for at in calls)


@checked
@given(books(), dice)
def test_what_a_subject_has_cost_does_not_depend_on_the_order_of_its_charges(book: Book, random: random.Random):
    dice = Dice(random)
    usages = [replace(dice.usage(), subject="s", user=None, department=None) for _ in range(random.randint(2, 5))]
    totals: set[int] = set()
    for _ in range(4):
        random.shuffle(usages)
        ledger = Ledger(book, at=START, plan="maxi", time_zone="UTC", allowance_override=1000)
        replies = [
            attempt(ledger, c.ChargeUsage(company=COMPANY, usage=u), START + n * HOUR) for n, u in enumerate(usages)
        ]
        assert all(isinstance(reply, Charge) for reply in replies)
        totals.add(sum(reply.cost for reply in replies if isinstance(reply, Charge)))
    assert len(totals) == 1


@checked
@given(books(), dice)
def test_every_boost_and_plan_that_a_decline_names_lets_the_call_through_and_no_other_does(
    book: Book, random: random.Random
):
    ledger, now, dice = lived(book, random)
    if (found := some_decline(ledger, dice, now)) is None:
        return
    command, declined = found
    named = {(way.kind, way.id) for way in declined.ways_out if way.kind in ("boost", "plan")}
    catalogue = book.at(max(now, ledger.account.at))
    opened: set[tuple[str, str | None]] = set()
    for kind, name, way in [
        *(("boost", name, c.AddBoost(company=COMPANY, boost=name)) for name in catalogue.boosts),
        *(("plan", name, c.ChangePlan(company=COMPANY, plan=name)) for name in catalogue.plans),
    ]:
        twin = copied(ledger)
        twin.do(way, now)
        if is_approved(twin, command, now):
            opened.add((kind, name))
    assert named == opened


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_room_for_k_calls_in_an_hour_lets_exactly_k_through(limit: int):
    ledger = Ledger(Book([edition(SMALL, hourly_limit=limit)]), at=START, plan="maxi")
    call = c.ChargeUsage(company=COMPANY, usage=c.Usage(action="chat"))
    replies = [attempt(ledger, call, START) for _ in range(limit + 3)]
    assert sum(isinstance(reply, Charge) for reply in replies) == limit
