"""Quotes, charges and holds: what integrations call all day."""

from msgspec import UNSET

from kvota.api.calls import Call, page
from kvota.api.problems import Answer
from kvota.asgi.auth import MEMBER
from kvota.errors import Forbidden
from kvota.wire import asking, views


async def quote(call: Call) -> Answer:
    """What it would cost. A member asks for himself and sees no balance."""
    is_member = call.key.role == MEMBER
    user = call.key.user if is_member else None
    if is_member and call.body.user not in (None, user):
        raise Forbidden(f"A member asks for himself only: leave `user` out, or send {user!r}.")
    command = asking.quote(call.company, call.body, call.asker, user)
    found = await call.services.read(call.services.reads.quote, command)
    return Answer(200, views.quote(found, with_balance=not is_member))


async def charge(call: Call) -> Answer:
    """Charge an action at its true cost."""
    return await call.write(asking.charge(call.company, call.body, call.asker), views.charge, 201)


async def get_charge(call: Call) -> Answer:
    """One charge."""
    return Answer(
        200, views.charge(await call.services.read(call.services.reads.charge, call.company, call.named("charge")))
    )


async def refund(call: Call) -> Answer:
    """Give a charge back, once."""
    return await call.write(asking.refund(call.company, call.named("charge"), call.body, call.asker), views.refund, 201)


async def measure(call: Call) -> Answer:
    """Add measures to a charge."""
    return await call.write(
        asking.measure(call.company, call.named("charge"), call.body, call.asker), views.charge, 200
    )


async def hold(call: Call) -> Answer:
    """Set aside what the action costs, or the most that it can cost."""
    return await call.write(asking.hold(call.company, call.body, call.asker), views.hold, 201)


async def capture(call: Call) -> Answer:
    """Close a hold at its true cost."""
    return await call.write(asking.capture(call.company, call.named("hold"), call.body, call.asker), views.hold, 200)


async def void(call: Call) -> Answer:
    """Close a hold at zero."""
    return await call.write(asking.void(call.company, call.named("hold"), call.asker), views.hold, 200)


async def get_hold(call: Call) -> Answer:
    """One hold."""
    return Answer(200, views.hold(await call.services.read(call.services.reads.hold, call.company, call.named("hold"))))


async def list_holds(call: Call) -> Answer:
    """A page of holds, by id."""
    query = call.query
    status = None if query.status is UNSET else query.status
    rows = await call.services.read(call.services.reads.holds, call.company, status, query.after, query.limit + 1)
    return page(rows, query.limit, views.hold, lambda row: row.id)
