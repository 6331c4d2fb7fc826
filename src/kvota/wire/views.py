"""From the core's values to replies."""

from collections.abc import Mapping

import msgspec
from msgspec import UNSET

from kvota.core import account as core
from kvota.core import balance as core_balance
from kvota.core.account import Account, Draws
from kvota.core.decisions import calls
from kvota.core.declines import Declined
from kvota.core.funds import merged
from kvota.core.people import Person
from kvota.core.periods import instant
from kvota.wire import replies as wire
from kvota.wire.fields import Instant


def maybe(at: int | None) -> Instant | None:
    """The instant, if there is one."""
    return None if at is None else instant(at)


def paid_by(draws: Draws) -> wire.PaidBy:
    """Who paid, boosts in the order drawn."""
    allowance = 0
    boosts: list[wire.BoostPaid] = []
    for source, amount in merged(draws):
        if source.startswith("bst_"):
            boosts.append(wire.BoostPaid(id=source, amount=amount))
        else:
            allowance += amount
    return wire.PaidBy(allowance=allowance, boosts=boosts)


def charge(row: core.Charge) -> wire.Charge:
    """A charge; its refund does not show."""
    return wire.Charge(
        id=row.id,
        company=row.company,
        action=row.action,
        tool=row.tool,
        user=row.user,
        department=row.department,
        subject=row.subject,
        quantities=dict(row.quantities),
        cost=row.cost,
        paid_by=paid_by(row.draws),
        at=instant(row.at),
        period_start=instant(row.period_start),
        entry=row.entry,
        catalogue=row.catalogue,
        available=row.available,
    )


def hold(row: core.Hold) -> wire.Hold:
    """A hold: while it is open, ``paid_by`` says what is set aside where; ended at zero, nothing has paid."""
    paying: Draws = row.draws if row.status == "open" else row.paid if row.status == "captured" else ()
    return wire.Hold(
        id=row.id,
        status=row.status,
        company=row.company,
        action=row.action,
        tool=row.tool,
        user=row.user,
        department=row.department,
        subject=row.subject,
        quantities=dict(row.quantities if row.captured is None else row.captured),
        held=row.held,
        cost=row.cost,
        returned=row.returned,
        written_off=row.written_off,
        charge=row.charge,
        paid_by=paid_by(paying),
        at=instant(row.at),
        expires_at=instant(row.expires_at),
        closed_at=maybe(row.closed_at),
        entry=row.entry,
        catalogue=row.catalogue,
        available=row.available,
    )


def refund(row: core.Refund) -> wire.Refund:
    """A refund. What came back was noted last drawn first; it is shown in the order drawn."""
    return wire.Refund(
        id=row.id,
        charge=row.charge,
        amount=row.amount,
        returned_to=paid_by(tuple(reversed(row.draws))),
        lost=row.lost,
        at=instant(row.at),
    )


def boost(row: core.Boost) -> wire.Boost:
    """A boost and what is left of it."""
    return wire.Boost(
        id=row.id,
        boost=row.boost,
        amount=row.amount,
        used=row.used,
        held=row.held,
        remaining=row.left,
        added_at=instant(row.added_at),
        expires_at=instant(row.expires_at),
    )


def balance(row: core_balance.Balance) -> wire.Balance:
    """A balance."""
    hour = row.hourly
    free = row.allowance
    return wire.Balance(
        company=row.company,
        at=instant(row.at),
        plan=row.plan,
        scheduled_plan=row.scheduled_plan,
        period=wire.Period(start=instant(row.period_start), end=instant(row.period_end), time_zone=row.time_zone),
        allowance=wire.Allowance(
            granted=free.granted, used=free.used, held=free.held, remaining=free.remaining, status=free.status
        ),
        boosts=wire.Boosts(
            remaining=row.boosts_remaining, held=row.boosts_held, items=[boost(one) for one in row.boosts]
        ),
        available=row.available,
        hourly=None
        if hour is None
        else wire.Hourly(
            limit=hour.limit, used=hour.used, remaining=hour.remaining, next_slot_at=maybe(hour.next_slot_at)
        ),
        renews_at=instant(row.period_end),
    )


def ways_out(declined: Declined) -> list[wire.WayOut]:
    """What would let the call through, cheapest first."""
    return [wire.WayOut(kind=one.kind, id=one.id, price=one.price, at=maybe(one.at)) for one in declined.ways_out]


def decline(row: Declined) -> wire.Decline:
    """A decline, as a quote shows it."""
    return wire.Decline(
        reason=row.reason,
        cost=row.cost,
        available=row.available,
        short_by=row.short_by,
        renews_at=instant(row.renews_at),
        retry_at=maybe(row.retry_at),
        cap=row.cap,
        ways_out=ways_out(row),
    )


def quote(row: calls.Quote, *, with_balance: bool = True) -> wire.Quote:
    """A quote; a member's shows no balance."""
    return wire.Quote(
        approved=row.decline is None,
        cost=row.cost,
        breakdown=[
            wire.Part(part=one.part, quantity=UNSET if one.quantity is None else one.quantity, cost=one.cost)
            for one in row.breakdown
        ],
        paid_by=None if row.draws is None else paid_by(row.draws),
        decline=None if row.decline is None else decline(row.decline),
        balance=balance(row.balance) if with_balance else None,
    )


def plan_change(row: calls.PlanChange) -> wire.PlanChange:
    """A plan change, or the preview of one."""
    return wire.PlanChange(
        from_plan=row.from_plan,
        to_plan=row.to_plan,
        effective_at=instant(row.effective_at),
        before=balance(row.before),
        after=balance(row.after),
    )


def company(row: Account) -> wire.Company:
    """A company's settings; of two time zones the one that was set last, though it may still wait for the 1st."""
    return wire.Company(
        id=row.company,
        name=row.name,
        plan=row.plan,
        time_zone=row.next_time_zone or row.time_zone,
        locale=row.locale,
        allowance_override=row.allowance_override,
        tools_off=list(row.tools_off),
        require_user=row.require_user,
        suspended=row.suspended,
        created_at=instant(row.created_at),
    )


def order(row: calls.OrderPaid, warning: str) -> wire.Order:
    """An order; ``warning`` is shown while it is pending, if buying it would suspend the rest of the package."""
    one = row.order
    return wire.Order(
        id=one.id,
        boost=one.boost,
        amount=one.amount,
        price=one.price,
        status=one.status,
        warning=warning if one.suspends and one.status == "pending" else None,
        credited=None if row.credited is None else boost(row.credited),
    )


def cap(row: core.Cap) -> wire.Cap:
    """A cap."""
    scope: Mapping[str, object] = {row.scope: "each" if row.scope == "users" else row.name}
    return wire.Cap(
        id=row.id,
        scope=msgspec.convert(scope, wire.Scope),
        requests=row.requests,
        per=row.per,
        until=maybe(row.until),
    )


def person(row: Person) -> wire.Person:
    """Somebody of the directory."""
    return wire.Person(id=row.user, name=row.name, email=row.email, department=row.department)
