"""How each fact changes a company's state: the one definition that deciding, verifying and rebuilding share."""

from functools import singledispatch
from typing import NamedTuple

from msgspec import UNSET

from kvota.core.account import Account, Boost, Cap, Hold, HoldStatus, PaidStage, Refund
from kvota.core.entries import (
    Adjusted,
    BoostAdded,
    BoostExpired,
    BoostRevoked,
    CapRemoved,
    CapSet,
    Captured,
    Charged,
    CompanyCreated,
    Ended,
    Fact,
    Held,
    HoldExpired,
    Measured,
    PeriodStarted,
    PlanChanged,
    Refunded,
    Resumed,
    SettingsChanged,
    Suspended,
    identifier,
)
from kvota.core.funds import split, total
from kvota.core.periods import HOUR, month, month_of, next_quarter, period_end
from kvota.core.state import State, replace, statistics_key


class Header(NamedTuple):
    """What a fact's effect may need to know of its entry."""

    at: int
    seq: int
    catalogue: str


@singledispatch
def apply(fact: Fact, state: State, entry: Header) -> None:
    """Change the sums and rows that the fact touches; the account's ``seq``, ``at`` and ``hash`` are the caller's."""
    raise TypeError(f"{type(fact).__name__} has no effect on {state.company} at entry {entry.seq}")


@apply.register
def _(fact: CompanyCreated, state: State, entry: Header) -> None:
    number = month_of(fact.time_zone, entry.at)
    span = month(fact.time_zone, number)
    state.account = Account(
        company=state.company,
        name=fact.name,
        plan=fact.plan,
        time_zone=fact.time_zone,
        locale=fact.locale,
        allowance_override=fact.allowance_override,
        tools_off=fact.tools_off,
        require_user=fact.require_user,
        created_at=entry.at,
        period=number,
        period_start=span.start,
        period_end=span.end,
    )


@apply.register
def _(fact: PlanChanged, state: State, _entry: Header) -> None:
    if fact.step == "scheduled":
        state.account = replace(state.known, scheduled_plan=fact.plan)
    elif fact.step == "dropped":
        state.account = replace(state.known, scheduled_plan=None)
    else:
        state.account = replace(state.known, plan=fact.plan, scheduled_plan=None)


@apply.register
def _(fact: PeriodStarted, state: State, _entry: Header) -> None:
    state.account = replace(
        state.known,
        time_zone=fact.time_zone,
        next_time_zone=None,
        period=fact.period,
        period_start=fact.start,
        period_end=month(fact.time_zone, fact.period).end,
        used=0,
        held=0,
    )


@apply.register
def _(fact: BoostAdded, state: State, entry: Header) -> None:
    state.put_boost(
        Boost(
            company=state.company,
            id=fact.id,
            boost=fact.boost,
            amount=fact.amount,
            added_at=entry.at,
            expires_at=fact.expires_at,
            order_id=fact.order,
            reason=fact.reason,
        )
    )
    state.account = replace(state.known, slept_in=state.known.period)


def _sleep_if_left(state: State, boost: Boost) -> None:
    """The boost had something left in this period, and will have nothing from here on."""
    if boost.left + boost.held > 0:
        state.account = replace(state.known, slept_in=state.known.period)


@apply.register
def _(fact: BoostExpired, state: State, _entry: Header) -> None:
    _sleep_if_left(state, state.boosts[fact.id])
    state.put_boost(replace(state.boosts[fact.id], status="expired"))


@apply.register
def _(fact: BoostRevoked, state: State, entry: Header) -> None:
    if entry.at > state.known.period_start:  # at the very start of a period it was not usable in it
        _sleep_if_left(state, state.boosts[fact.id])
    state.put_boost(replace(state.boosts[fact.id], status="revoked", expires_at=entry.at))


def _take_slot(state: State, at: int, slot: int) -> None:
    account = state.known
    hour = at // HOUR
    if hour > account.hour:
        previous = account.hour_slots if hour == account.hour + 1 else account.slots
        account = replace(account, hour=hour, previous_slots=previous, hour_slots=account.slots)
    state.account = replace(account, slots=slot)
    state.slot_times[slot] = at


@apply.register
def _(fact: Charged, state: State, entry: Header) -> None:
    _take_slot(state, entry.at, fact.slot)
    state.move(fact.draws, used=1)
    _stand(state, fact, entry.seq)
    state.spend(fact.user, fact.department, fact.tool, fact.since, fact.cost)
    key = statistics_key(fact.since, fact.tool, fact.action, fact.user, fact.department)
    state.count(key, calls=1, requests=fact.cost)


def _stand(state: State, fact: Charged | Captured, seq: int) -> None:
    """The charge stands on its shared stages; the first of its draws paid them."""
    if fact.subject is None:
        return
    rest = fact.draws
    for stage, paid in ((part.stage, part.paid) for part in fact.shared):
        key = (fact.subject, stage)
        row = state.stages.get(key)
        if row is not None and row.standing:
            state.stages[key] = replace(row, standing=row.standing + 1)
        else:
            own, rest = split(rest, paid)
            state.stages[key] = PaidStage(
                company=state.company,
                subject=fact.subject,
                stage=stage,
                standing=1,
                charge=identifier("chg", seq),
                draws=own,
                at=fact.since,
                tool=fact.tool,
                action=fact.action,
                user=fact.user,
                department=fact.department,
            )
        state.changes.stages.add(key)


@apply.register
def _(fact: Held, state: State, entry: Header) -> None:
    _take_slot(state, entry.at, fact.slot)
    state.move(fact.draws, held=1)
    state.spend(fact.user, fact.department, fact.tool, fact.since, fact.held)
    state.account = replace(state.known, open_holds=state.known.open_holds + 1)
    state.put_hold(
        Hold(
            company=state.company,
            id=identifier("hld", entry.seq),
            action=fact.action,
            tool=fact.tool,
            user=fact.user,
            department=fact.department,
            subject=fact.subject,
            quantities=fact.quantities,
            stages=fact.stages,
            measures=fact.measures,
            held=fact.held,
            draws=fact.draws,
            at=entry.at,
            expires_at=fact.expires_at,
            period_start=fact.period_start,
            entry=entry.seq,
            catalogue=entry.catalogue,
            available=0,
        )
    )


@apply.register
def _(fact: Captured, state: State, entry: Header) -> None:
    hold = state.holds[fact.hold]
    kept, rest = split(hold.draws, fact.cost - fact.extra)
    state.move(kept, used=1, held=-1)
    state.move(rest, held=-1)
    state.move(split(fact.draws, fact.cost - fact.extra)[1], used=1)
    _stand(state, fact, entry.seq)
    state.spend(fact.user, fact.department, fact.tool, fact.since, fact.cost - fact.held)
    key = statistics_key(fact.since, fact.tool, fact.action, fact.user, fact.department)
    state.count(key, calls=1, requests=fact.cost, off=fact.written_off)
    state.account = replace(state.known, open_holds=state.known.open_holds - 1)
    state.put_hold(
        replace(
            hold,
            status="captured",
            captured=fact.quantities,
            measures=fact.measures,
            cost=fact.cost,
            returned=total(rest),
            written_off=fact.written_off,
            charge=identifier("chg", entry.seq),
            paid=fact.draws,
            closed_at=entry.at,
        )
    )


@apply.register
def _(fact: Ended, state: State, entry: Header) -> None:
    hold = state.holds[fact.hold]
    state.move(hold.draws, held=-1)
    state.spend(fact.user, fact.department, fact.tool, fact.since, -fact.held)
    state.account = replace(state.known, open_holds=state.known.open_holds - 1)
    status: HoldStatus = "expired" if isinstance(fact, HoldExpired) else "void"
    state.put_hold(replace(hold, status=status, cost=0, returned=hold.held, closed_at=entry.at))


@apply.register
def _(fact: Refunded, state: State, entry: Header) -> None:
    state.move(fact.back, used=-1)
    state.spend(fact.user, fact.department, fact.tool, fact.since, -fact.own)
    state.count(statistics_key(fact.since, fact.tool, fact.action, fact.user, fact.department), refunded=fact.own)
    for stage in fact.shared:
        key = (fact.subject or "", stage)
        state.stages[key] = replace(state.stages[key], standing=state.stages[key].standing - 1)
        state.changes.stages.add(key)
    for freed in fact.freed:
        row = state.stages[fact.subject or "", freed.stage]
        state.spend(row.user, row.department, row.tool, row.at, -freed.amount)
        state.count(statistics_key(row.at, row.tool, row.action, row.user, row.department), refunded=freed.amount)
    state.put_refund(
        fact.charge,
        Refund(
            id=identifier("rfd", entry.seq),
            charge=fact.charge,
            amount=fact.amount,
            draws=fact.back,
            lost=total(fact.lost),
            at=entry.at,
        ),
    )


@apply.register
def _(_fact: Measured, _state: State, _entry: Header) -> None:
    """Nothing moves."""


@apply.register
def _(fact: Adjusted, state: State, _entry: Header) -> None:
    state.account = replace(state.known, used=max(0, state.known.used + fact.amount))


@apply.register
def _(fact: CapSet, state: State, _entry: Header) -> None:
    is_new = fact.id not in state.caps
    state.caps[fact.id] = Cap(
        company=state.company,
        id=fact.id,
        scope=fact.scope,
        name=fact.name,
        requests=fact.requests,
        per=fact.per,
        until=fact.until,
    )
    state.changes.caps.add(fact.id)
    state.account = replace(state.known, caps=state.known.caps + is_new)


@apply.register
def _(fact: CapRemoved, state: State, _entry: Header) -> None:
    del state.caps[fact.id]
    state.changes.caps.add(fact.id)
    state.account = replace(state.known, caps=state.known.caps - 1)


@apply.register
def _(fact: SettingsChanged, state: State, entry: Header) -> None:
    fields = {name: value for name in fact.__struct_fields__ if (value := getattr(fact, name)) is not UNSET}
    zone = fields.pop("time_zone", None)
    account = replace(state.known, **fields)
    if zone is not None:
        next_zone = None if zone == account.time_zone else zone
        account = replace(
            account,
            next_time_zone=next_zone,
            period_end=max(next_quarter(entry.at), period_end(account.period, account.time_zone, next_zone)),
            spending_zones=(),
        )
    state.account = account


@apply.register
def _(_fact: Suspended, state: State, _entry: Header) -> None:
    state.account = replace(state.known, suspended=True)


@apply.register
def _(_fact: Resumed, state: State, _entry: Header) -> None:
    state.account = replace(state.known, suspended=False)
