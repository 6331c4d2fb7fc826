"""An expected "no", with its way out: when the same call would be approved by itself, and what would let it through."""

from collections.abc import Callable
from typing import Literal

from kvota.core.account import Account, Boost
from kvota.core.catalogue import Book, Catalogue, Price, Value
from kvota.core.funds import available
from kvota.core.limits import PLAN_CAP, Call, Reason, Refusal, first_refusal
from kvota.core.periods import DAY, HOUR, day, month, month_of, week
from kvota.core.state import State, replace, zones_of
from kvota.core.timeline import Foresight

NEVER: frozenset[Reason] = frozenset({"company_suspended", "tool_disabled", "user_required"})
"""Reasons that no passing of time removes."""
MAX_LIVE_BOOSTS = 1000


class WayOut(Value, frozen=True, kw_only=True):
    """``boost`` and ``plan`` of the catalogue, ``cap`` that an administrator could raise, ``wait`` until ``at``."""

    kind: Literal["boost", "plan", "cap", "wait"]
    id: str | None = None
    price: Price | None = None
    at: int | None = None


class Declined(Value, frozen=True, kw_only=True):
    """No, and why. ``retry_at``: the first instant at which time alone would have this call approved; None: never."""

    reason: Reason
    cost: int
    available: int
    short_by: int
    renews_at: int
    retry_at: int | None
    cap: str | None
    ways_out: tuple[WayOut, ...]


Attempt = Callable[[State, Catalogue, int], Refusal | None]
"""Tries the call on a state at an instant, and writes nothing."""


def explain(
    state: State, book: Book, refusal: Refusal, attempt: Attempt, now: int, *, cost: int, asked: int | None = None
) -> Declined:
    """The decline of a call that ``refusal`` has stopped. The state must be complete.

    ``asked`` is what the call would have drawn, where that is not its whole cost (the extra of a capture).
    """
    room = available(state.known, book.at(now))
    retry_at = None if refusal.reason in NEVER else first_approval(state, book, attempt, now)
    return Declined(
        reason=refusal.reason,
        cost=cost,
        available=room,
        short_by=max(0, (cost if asked is None else asked) - room),
        renews_at=state.known.period_end,
        retry_at=retry_at,
        cap=refusal.caps[0] if refusal.caps else None,
        ways_out=_ways_out(state, book, refusal, attempt, now=now, retry_at=retry_at),
    )


def first_approval(state: State, book: Book, attempt: Attempt, now: int) -> int | None:
    """Walk through the instants at which time changes something until one approves the call."""
    ahead = Foresight(state, book)
    for at in _instants(state, book, now):
        ahead.advance(at)
        if attempt(ahead.state, book.at(at), at) is None:
            return at
    return None


def _instants(state: State, book: Book, now: int) -> list[int]:
    account = state.known
    zones = zones_of(account)
    renewal = account.period_end
    found = {renewal, *book.changes_after(now)}
    for limit in book.hourly_limits(now):
        slot = account.slots + 1 - limit
        if slot in state.slot_times:
            found.add(state.slot_times[slot] + HOUR)
    found.update(hold.expires_at for hold in state.open_holds())
    for boost in state.live_boosts():
        found.add(boost.expires_at)
        found.add(month(zones[-1], month_of(zones[-1], boost.expires_at)).end)
    if _may_be_capped(account, book):
        for zone in zones:
            for at in (now, renewal):
                found.update((day(zone, at).end, week(zone, at).end))
        found.update(cap.until for cap in state.caps.values() if cap.until is not None)
    return sorted(at for at in found if at > now)


def _may_be_capped(account: Account, book: Book) -> bool:
    """Whether a cap may apply now or later: the company's own, or one of its plan or of the scheduled one."""
    plans = {account.plan, account.scheduled_plan}
    return account.caps > 0 or any(
        plan.user_daily_cap is not None
        for edition in book.editions
        for plan in edition.catalogue.plans.values()
        if plan.id in plans
    )


def _ways_out(
    state: State, book: Book, refusal: Refusal, attempt: Attempt, *, now: int, retry_at: int | None
) -> tuple[WayOut, ...]:
    catalogue = book.at(now)
    offers: list[tuple[tuple[int, int, str, str], WayOut]] = []
    if refusal.reason == "insufficient_requests" and state.known.live_boosts < MAX_LIVE_BOOSTS:
        for boost in catalogue.boosts.values():
            if attempt(with_boost(state, boost.amount, now + boost.valid_days * DAY, now), catalogue, now) is None:
                way = WayOut(kind="boost", id=boost.id, price=boost.price)
                offers.append((_rank(way, boost.amount), way))
    if refusal.reason in ("insufficient_requests", "action_not_in_plan") or PLAN_CAP in refusal.caps:
        for plan in (catalogue.plans[name] for name in book.lasting_plans(now)):
            if plan.id != state.known.plan and attempt(with_plan(state, plan.id), catalogue, now) is None:
                way = WayOut(kind="plan", id=plan.id, price=plan.price)
                offers.append((_rank(way, plan.allowance), way))
    ways = [way for _, way in sorted(offers, key=lambda offer: offer[0])]
    ways += [WayOut(kind="cap", id=name) for name in refusal.caps if name != PLAN_CAP]
    if retry_at is not None:
        ways.append(WayOut(kind="wait", at=retry_at))
    return tuple(ways)


def _rank(way: WayOut, amount: int) -> tuple[int, int, str, str]:
    """Cheapest first; the unpriced ones last, by amount."""
    unpriced = way.price is None
    return (unpriced, amount if way.price is None else way.price.amount, way.kind, way.id or "")


def with_boost(state: State, amount: int, expires_at: int, now: int) -> State:
    """The state with one more boost, which nothing has been drawn from."""
    other = state.fork()
    # "~" sorts after every identifier of ours: it would be the youngest of its expiry
    other.put_boost(
        Boost(company=state.company, id="~", boost=None, amount=amount, added_at=now, expires_at=expires_at)
    )
    other.account = replace(other.known, slept_in=other.known.period)
    return other


def with_plan(state: State, plan: str) -> State:
    """The state on another plan."""
    other = state.fork()
    other.account = replace(other.known, plan=plan)
    return other


def call_attempt(call: Call, price_at: Callable[[State, Catalogue], int | None]) -> Attempt:
    """The attempt of a charge or hold: priced as the catalogue and the subject then say, and judged."""

    def attempt(state: State, catalogue: Catalogue, now: int) -> Refusal | None:
        cost = price_at(state, catalogue)
        return Refusal("action_not_in_plan") if cost is None else first_refusal(state, catalogue, call, cost, now)

    return attempt
