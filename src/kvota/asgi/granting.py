"""Granting an appeal: a cap is set or a boost is ordered, in the ways of any cap and order, and then it is closed.

The two are two transactions. Where the process ends between them the appeal is still open, and granting it again sets
the same cap, or finds the order that was placed for it.
"""

from typing import NamedTuple

from msgspec.structs import replace

from kvota.appeals import check_open
from kvota.asgi.services import Services
from kvota.core.account import Cap, CapPer
from kvota.core.appeals import Appeal
from kvota.core.commands import PlaceOrder, SetCap
from kvota.core.decisions.calls import CapPut, OrderPaid
from kvota.errors import FieldError, Invalid, NotFound

RULE = "must name exactly one of cap_change and boost"
OWN_KEY = "§"
"""Begins the idempotency keys of grants: callers' own are ASCII."""


class Raise(NamedTuple):
    """What a cap is to be: the one of that id, or else the person's own; without ``per`` it keeps its own."""

    requests: int
    cap: str | None = None
    per: CapPer | None = None
    until: int | None = None


async def grant(
    services: Services,
    company: str,
    name: str,
    what: Raise | str | None,
    *,
    by: str,
    answer: str | None = None,
    is_operators: bool = False,
) -> Appeal:
    """Grant it by a cap, or by ordering the boost of that name. Granting a granted one again does nothing.

    ``is_operators``: an operator does. Raises ``NotFound``, ``AppealClosed`` where it was refused, and what a cap or an
    order may raise.
    """
    appeals = services.reads.appeals
    appeal = await services.read(appeals.find, company, name)
    check_open(appeal, "granted")
    if what is None:
        raise Invalid(RULE, errors=[FieldError("", RULE)])
    if appeal.status == "granted":
        return appeal
    cap, order = None, None
    if isinstance(what, str):
        command = replace(order_for(company, name, what, by), is_operators=is_operators)
        placed = (await services.submit(command)).reply
        order = placed.order.id if isinstance(placed, OrderPaid) else None
    else:
        caps = await services.read(services.reads.caps, company)
        put = (await services.submit(replace(_set_cap(appeal, what, caps, by), is_operators=is_operators))).reply
        cap = put.cap.id if isinstance(put, CapPut) else None
    return await services.read(appeals.grant, company, name, by=by, answer=answer, set_cap=cap, order=order)


def order_for(company: str, appeal: str, boost: str, by: str) -> PlaceOrder:
    """The order that is placed for an appeal: once, whoever grants it and however often."""
    return PlaceOrder(company=company, by=by, key=f"{OWN_KEY}{appeal} {boost}", request=boost, boost=boost)


def _set_cap(appeal: Appeal, what: Raise, caps: list[Cap], by: str) -> SetCap:
    own = [cap for cap in caps if cap.scope == "user" and cap.name == appeal.user and what.per in (None, cap.per)]
    found = next((cap for cap in caps if cap.id == what.cap), None) if what.cap else next(iter(own), None)
    if what.cap is not None and found is None:
        raise NotFound("cap", what.cap)
    return SetCap(
        company=appeal.company,
        by=by,
        cap=found.id if found else appeal.id,
        scope=found.scope if found else "user",
        name=found.name if found else appeal.user,
        requests=what.requests,
        per=what.per or (found.per if found else "month"),
        until=what.until,
    )
