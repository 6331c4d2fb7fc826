"""The limits that a call must pass, in their order (RULES §6): the company, its caps, the hour, the funds."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from kvota.core.account import Account, Cap, CapPer
from kvota.core.catalogue import Catalogue
from kvota.core.funds import available
from kvota.core.periods import HOUR, day, week
from kvota.core.state import State

Reason = Literal[
    "company_suspended", "tool_disabled", "action_not_in_plan", "user_required", "cap_reached", "hourly_limit",
    "insufficient_requests",
]  # fmt: skip
PLAN_CAP = "plan"


class Call(NamedTuple):
    """What the limits look at."""

    action: str
    tool: str
    user: str | None
    department: str | None


class Refusal(NamedTuple):
    """The first limit that says no. ``caps``: all that decline on that scope, least room first."""

    reason: Reason
    caps: tuple[str, ...] = ()


def first_refusal(state: State, catalogue: Catalogue, call: Call, cost: int, now: int) -> Refusal | None:
    """The first limit that a call of this cost does not pass; None if it may run."""
    account = state.known
    if account.suspended:
        return Refusal("company_suspended")
    if call.tool in account.tools_off:
        return Refusal("tool_disabled")
    if not catalogue.plans[account.plan].includes(call.action):
        return Refusal("action_not_in_plan")
    if account.require_user and call.user is None:
        return Refusal("user_required")
    if cost and (caps := declining_caps(state, catalogue, call, cost, now)):
        return Refusal("cap_reached", caps)
    if not may_call(state, catalogue.policy.hourly_limit, now):
        return Refusal("hourly_limit")
    if cost > available(account, catalogue):
        return Refusal("insufficient_requests")
    return None


def is_capped(account: Account, catalogue: Catalogue) -> bool:
    """Whether any cap may apply to the company's calls."""
    return account.caps > 0 or catalogue.plans[account.plan].user_daily_cap is not None


def declining_caps(state: State, catalogue: Catalogue, call: Call, cost: int, now: int) -> tuple[str, ...]:
    """The caps of the first scope on which one declines: least room first, then by id."""
    if not is_capped(state.known, catalogue):
        return ()
    for scope in scopes(state, catalogue, call, now):
        rooms = [(cap.requests - _spent(state, cap, call, now), cap.id) for cap in scope]
        declining = sorted((room, name) for room, name in rooms if cost > room)
        if declining:
            return tuple(name for _, name in declining)
    return ()


def scopes(state: State, catalogue: Catalogue, call: Call, now: int) -> Iterator[list[Cap]]:
    """The caps that apply, scope by scope: the plan's, the user's own or else each user's, department, tool."""
    caps = [cap for cap in state.caps.values() if cap.until is None or now < cap.until]
    if call.user is not None:
        daily = catalogue.plans[state.known.plan].user_daily_cap
        if daily is not None:
            yield [Cap(company=state.company, id=PLAN_CAP, scope="users", name=None, requests=daily, per="day")]
        own = [cap for cap in caps if cap.scope == "user" and cap.name == call.user]
        yield own or [cap for cap in caps if cap.scope == "users"]
    if call.department is not None:
        yield [cap for cap in caps if cap.scope == "department" and cap.name == call.department]
    yield [cap for cap in caps if cap.scope == "tool" and cap.name == call.tool]


def _spent(state: State, cap: Cap, call: Call, now: int) -> int:
    start = window_start(state.known, cap.per, now)
    if cap.scope == "tool":
        return state.spent("tool", call.tool, start)
    if cap.scope == "department":
        return state.spent("department", call.department or "", start)
    return state.spent("user", call.user or "", start)


def window_start(account: Account, per: CapPer, now: int) -> int:
    """When the present day, week or month of the company began."""
    if per == "month":
        return account.period_start
    return (day if per == "day" else week)(account.time_zone, now).start


def recent_slots(account: Account, now: int) -> int:
    """The number of authorised calls since the clock hour before this one began: at least those of the last hour."""
    hours = now // HOUR - account.hour
    if hours <= 0:
        return account.slots - account.previous_slots
    return account.slots - account.hour_slots if hours == 1 else 0


def may_call(state: State, limit: int | None, now: int) -> bool:
    """Whether a slot is free: the call ``limit`` slots back, if there is one, was an hour ago or earlier."""
    account = state.known
    if limit is None or recent_slots(account, now) < limit:
        return True
    return state.slot_times[account.slots + 1 - limit] <= now - HOUR


def hour_used(state: State, now: int) -> int:
    """The authorised calls of the last 60 minutes; the state must hold the instant of the last one before them.

    Where it holds none that old, the hour began together with the clock hour since which calls are counted.
    """
    account = state.known
    before = max((slot for slot, at in state.slot_times.items() if at <= now - HOUR), default=0)
    return account.slots - max(before, account.slots - recent_slots(account, now))


def next_slot_at(state: State, limit: int, now: int) -> int | None:
    """When the next slot frees, if none is free now."""
    if may_call(state, limit, now):
        return None
    return state.slot_times[state.known.slots + 1 - limit] + HOUR
