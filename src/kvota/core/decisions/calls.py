"""Charge, hold and quote: the same steps, so that the preview never differs from the act."""

from typing import Any, NamedTuple

from kvota.core.account import (
    Account,
    Boost,
    Cap,
    Charge,
    DeclineKey,
    Draws,
    Hold,
    Order,
    Refund,
    StagePart,
    Usage,
)
from kvota.core.balance import Balance, balance_of
from kvota.core.catalogue import Action, Book, Catalogue, Value
from kvota.core.commands import ChargeUsage, HoldUsage, QuoteUsage, UseAssistant
from kvota.core.declines import Declined, call_attempt, explain
from kvota.core.entries import Charged, Held, identifier
from kvota.core.fold import record
from kvota.core.funds import draw
from kvota.core.limits import Call, Refusal, first_refusal
from kvota.core.periods import SECOND, date_on
from kvota.core.pricing import Part, Priced, price
from kvota.core.state import State
from kvota.errors import CallerError, Forbidden, Invalid, UnknownAction

MAX_OPEN_HOLDS = 20_000


class Quote(Value, frozen=True, kw_only=True):
    """What an action would cost now and who would pay; ``draws`` is None where it is declined."""

    cost: int
    breakdown: tuple[Part, ...]
    draws: Draws | None
    decline: Declined | None
    balance: Balance


class PlanChange(Value, frozen=True, kw_only=True):
    """A plan change, or the preview of one; ``after`` is the balance at ``effective_at``."""

    from_plan: str
    to_plan: str
    effective_at: int
    before: Balance
    after: Balance
    is_dry_run: bool = False


class CompanyPut(Value, frozen=True, kw_only=True):
    """A company as it is after a PUT; ``made`` where that created it."""

    account: Account
    made: bool


class CapPut(Value, frozen=True, kw_only=True):
    cap: Cap
    made: bool


class OrderPaid(Value, frozen=True, kw_only=True):
    """An order and the boost as it was credited for it; None where it is not paid."""

    order: Order
    credited: Boost | None


Reply = (
    Charge | Hold | Quote | Declined | Refund | PlanChange | CompanyPut | CapPut | OrderPaid | Boost | Balance | None
)


class Incomplete(Exception):
    """The decision needs every open hold and live boost, and the state does not hold them yet."""


class Judged(NamedTuple):
    """A call that has been priced and judged."""

    action: Action
    priced: Priced
    refusal: Refusal | None


def find_action(catalogue: Catalogue, name: str) -> Action:
    """The action, or ``UnknownAction``."""
    action = catalogue.actions.get(name)
    if action is None:
        raise UnknownAction.field("action", "is not an action of the catalogue; GET /v1/catalogue lists them", name)
    return action


def check_bound(only: frozenset[str] | None, action: str) -> None:
    """A key that is bound to actions opens no other; ``Forbidden``."""
    if only is not None and action not in only:
        raise Forbidden(f"This key is bound to other actions than {action!r}.")


def judge(state: State, catalogue: Catalogue, command: UseAssistant, now: int, *, at_most: bool) -> Judged:
    """Price a call and ask the limits; raises where it cannot be priced."""
    usage = command.usage
    check_bound(command.only_actions, usage.action)
    action = find_action(catalogue, usage.action)
    priced = price(action, usage, state.paid_stages(usage.subject), at_most=at_most)
    return Judged(action, priced, first_refusal(state, catalogue, _call(usage, action), priced.cost, now))


def _call(usage: Usage, action: Action) -> Call:
    return Call(action.id, action.tool, usage.user, usage.department)


def _decline(
    state: State, book: Book, judged: Judged, refusal: Refusal, usage: Usage, *, now: int, at_most: bool
) -> Declined:
    if not state.is_complete:
        raise Incomplete

    def price_at(then: State, catalogue: Catalogue) -> int | None:
        try:
            action = find_action(catalogue, usage.action)
            return price(action, usage, then.paid_stages(usage.subject), at_most=at_most).cost
        except CallerError:
            return None

    attempt = call_attempt(_call(usage, judged.action), price_at)
    return explain(state, book, refusal, attempt, now, cost=judged.priced.cost)


def count_decline(state: State, reason: str, tool: str, user: str | None, now: int) -> None:
    """Each decline is counted, by the company's day."""
    key = DeclineKey(date_on(state.known.time_zone, now), reason, tool, user or "")
    state.changes.declines[key] = state.changes.declines.get(key, 0) + 1


def quote_usage(state: State, book: Book, command: QuoteUsage, now: int) -> Quote:
    """What it would cost, by the same steps as the charge; a quantity left out counts as the most.

    The state holds every live boost and the instants of the recent calls, for the balance.
    """
    catalogue = book.at(now)
    judged = judge(state, catalogue, command, now, at_most=True)
    decline = None
    draws = None
    if judged.refusal is None:
        draws = draw(judged.priced.cost, state.known, catalogue, state.boosts.values())
    else:
        decline = _decline(state, book, judged, judged.refusal, command.usage, now=now, at_most=True)
    return Quote(
        cost=judged.priced.cost,
        breakdown=judged.priced.breakdown,
        draws=draws,
        decline=decline,
        balance=balance_of(state, catalogue, now),
    )


def charge_usage(state: State, book: Book, command: ChargeUsage, now: int) -> Charge | Declined:
    """Charge an action at its true cost, or decline."""
    usage, catalogue = command.usage, book.at(now)
    judged = judge(state, catalogue, command, now, at_most=False)
    if judged.refusal is not None:
        declined = _decline(state, book, judged, judged.refusal, usage, now=now, at_most=False)
        count_decline(state, declined.reason, judged.action.tool, usage.user, now)
        return declined
    account = state.known
    fact = Charged(
        **_work(usage, judged.action, account, now),
        cost=judged.priced.cost,
        draws=draw(judged.priced.cost, account, catalogue, state.boosts.values()) if judged.priced.cost else (),
        shared=tuple(StagePart(stage=stage, paid=paid) for stage, paid in judged.priced.shared),
        slot=account.slots + 1,
    )
    entry = record(state, book, fact, now, by=command.by, key=command.key)
    return state.charges[identifier("chg", entry.seq)]


def _work(usage: Usage, action: Action, account: Account, now: int) -> dict[str, Any]:
    """What the fact of a charge or a hold says of the call."""
    return {
        "action": usage.action,
        "tool": action.tool,
        "user": usage.user,
        "department": usage.department,
        "subject": usage.subject,
        "quantities": usage.quantities,
        "stages": usage.stages,
        "measures": usage.measures,
        "since": now,
        "period_start": account.period_start,
    }


def hold_usage(state: State, book: Book, command: HoldUsage, now: int) -> Hold | Declined:
    """Set aside what the action costs, or the most that it can cost, or decline."""
    usage, catalogue = command.usage, book.at(now)
    judged = judge(state, catalogue, command, now, at_most=True)
    if state.known.open_holds >= MAX_OPEN_HOLDS:
        raise Invalid(f"{command.company} has {MAX_OPEN_HOLDS} open holds, and no more can be: capture or void some.")
    if judged.refusal is not None:
        declined = _decline(state, book, judged, judged.refusal, usage, now=now, at_most=True)
        count_decline(state, declined.reason, judged.action.tool, usage.user, now)
        return declined
    account = state.known
    fact = Held(
        **_work(usage, judged.action, account, now),
        held=judged.priced.cost,
        draws=draw(judged.priced.cost, account, catalogue, state.boosts.values()) if judged.priced.cost else (),
        expires_at=now + command.ttl * SECOND,
        slot=account.slots + 1,
    )
    entry = record(state, book, fact, now, by=command.by, key=command.key)
    return state.holds[identifier("hld", entry.seq)]
