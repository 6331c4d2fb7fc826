"""A company's balance at an instant, as a value."""

from typing import Literal

from kvota.core.account import Boost
from kvota.core.catalogue import Catalogue, Value
from kvota.core.funds import allowance_left, available, granted, is_suspended
from kvota.core.limits import hour_used, next_slot_at
from kvota.core.state import State

AllowanceStatus = Literal["active", "used_up", "suspended"]


class AllowanceBalance(Value, frozen=True, kw_only=True):
    """The free requests of the present period."""

    granted: int
    used: int
    held: int
    remaining: int
    status: AllowanceStatus


class HourBalance(Value, frozen=True, kw_only=True):
    """The sliding hour."""

    limit: int
    used: int
    remaining: int
    next_slot_at: int | None


class Balance(Value, frozen=True, kw_only=True):
    """What is available, held and used; ``boosts`` are the live ones, in their order."""

    company: str
    at: int
    plan: str
    scheduled_plan: str | None
    period_start: int
    period_end: int
    time_zone: str
    allowance: AllowanceBalance
    boosts_remaining: int
    boosts_held: int
    boosts: tuple[Boost, ...]
    available: int
    hourly: HourBalance | None


def balance_of(state: State, catalogue: Catalogue, now: int) -> Balance:
    """The balance of a state that is complete and has been advanced to ``now``."""
    account = state.known
    allowance = granted(account, catalogue)
    left = allowance_left(account, catalogue)
    status: AllowanceStatus = "active" if left else "used_up"
    return Balance(
        company=account.company,
        at=now,
        plan=account.plan,
        scheduled_plan=account.scheduled_plan,
        period_start=account.period_start,
        period_end=account.period_end,
        time_zone=account.time_zone,
        allowance=AllowanceBalance(
            granted=allowance,
            used=account.used,
            held=account.held,
            remaining=left,
            status="suspended" if is_suspended(account, catalogue) else status,
        ),
        boosts_remaining=account.boosts_left,
        boosts_held=account.boosts_held,
        boosts=tuple(state.live_boosts()),
        available=available(account, catalogue),
        hourly=_hour(state, catalogue.policy.hourly_limit, now),
    )


def _hour(state: State, limit: int | None, now: int) -> HourBalance | None:
    if limit is None:
        return None
    used = hour_used(state, now)
    return HourBalance(
        limit=limit, used=used, remaining=max(0, limit - used), next_slot_at=next_slot_at(state, limit, now)
    )
