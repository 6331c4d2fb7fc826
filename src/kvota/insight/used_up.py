"""Nothing is left: since when, what cannot run, how many calls were declined, and the ways out with their effect."""

from collections.abc import Sequence
from typing import Literal

from kvota.core.catalogue import Action, Book, Catalogue, Price, Value
from kvota.core.declines import WayOut, explain, with_boost, with_plan
from kvota.core.entries import Entry
from kvota.core.funds import available
from kvota.core.limits import Refusal
from kvota.core.periods import DAY
from kvota.core.state import State


class Way(Value, frozen=True, kw_only=True):
    """A way out, and what would be available then: at once for a boost or a plan, ``at`` its time for waiting."""

    kind: Literal["boost", "plan", "cap", "wait"]
    id: str | None
    price: Price | None
    at: int | None
    available: int | None
    valid_days: int | None = None


class UsedUp(Value, frozen=True, kw_only=True):
    """``since`` is None where it was before all that was looked at. ``blocked`` are the actions that cannot run."""

    since: int | None
    blocked: tuple[str, ...]
    declined: int
    renews_at: int
    returns_at: int | None
    ways_out: tuple[Way, ...]


def least_cost(action: Action) -> int:
    """The least that an action costs, without a subject and unless it is free."""
    return max(action.base + sum(action.stages.values()), action.min or 0)


def blocked(state: State, catalogue: Catalogue) -> tuple[str, ...]:
    """The actions of the plan that cost more than is available, whatever their quantities."""
    plan = catalogue.plans[state.known.plan]
    room = available(state.known, catalogue)
    return tuple(
        name
        for name, action in catalogue.actions.items()
        if plan.includes(name) and not action.free_when and least_cost(action) > room
    )


def since(entries: Sequence[Entry]) -> int | None:
    """The instant of the first of the last entries after which nothing was available."""
    found: int | None = None
    for entry in reversed(entries):
        if entry.balance.available > 0:
            return found
        found = entry.at
    return found if entries and entries[0].seq == 1 else None


def used_up(state: State, book: Book, now: int, *, since: int | None, declined: int) -> UsedUp | None:
    """None where something is left. The state must be complete and as of now."""
    catalogue = book.at(now)
    if available(state.known, catalogue) > 0:
        return None

    def attempt(other: State, its: Catalogue, _: int) -> Refusal | None:
        return None if available(other.known, its) > 0 else Refusal("insufficient_requests")

    told = explain(state, book, Refusal("insufficient_requests"), attempt, now, cost=1)
    return UsedUp(
        since=since,
        blocked=blocked(state, catalogue),
        declined=declined,
        renews_at=told.renews_at,
        returns_at=told.retry_at,
        ways_out=tuple(_effect(way, state, catalogue, now) for way in told.ways_out),
    )


def _effect(way: WayOut, state: State, catalogue: Catalogue, now: int) -> Way:
    after: int | None = None
    days: int | None = None
    if way.kind == "boost" and way.id is not None:
        offer = catalogue.boosts[way.id]
        days = offer.valid_days
        after = available(with_boost(state, offer.amount, now + days * DAY, now).known, catalogue)
    if way.kind == "plan" and way.id is not None:
        after = available(with_plan(state, way.id).known, catalogue)
    return Way(kind=way.kind, id=way.id, price=way.price, at=way.at, available=after, valid_days=days)
