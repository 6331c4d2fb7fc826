"""What members ask their administrators for, and the answers."""

from msgspec import UNSET

from kvota.api.calls import Call, page
from kvota.api.problems import Answer
from kvota.asgi.auth import MEMBER
from kvota.asgi.granting import RULE, Raise, grant
from kvota.core.periods import milliseconds
from kvota.errors import FieldError, Forbidden, Invalid
from kvota.wire.appeals import AppealRequest, AppealsQuery, GrantRequest, appeal

USER_RULE = "is needed: an appeal is one person's"


async def make_appeal(call: Call) -> Answer:
    """Ask for more; a member for himself."""
    body: AppealRequest = call.body
    user = body.user
    if call.key.role == MEMBER:
        user = call.key.user
        if body.user not in (None, user):
            raise Forbidden(f"A member asks for himself only: leave `user` out, or send {user!r}.")
    if user is None:
        raise Invalid.field("user", USER_RULE)
    made, is_new = await call.services.read(
        call.services.reads.appeals.ask,
        call.company,
        user,
        text=body.text,
        wanted=body.wanted,
        action=body.action,
        reason=body.reason,
        cap=body.cap,
    )
    return Answer(201 if is_new else 200, appeal(made))


async def list_appeals(call: Call) -> Answer:
    """A page of appeals, oldest first; a member sees his own."""
    query: AppealsQuery = call.query
    user = None if query.user is UNSET else query.user
    if call.key.role == MEMBER:
        if user not in (None, call.key.user):
            raise Forbidden(f"A member asks for himself only: leave `user` out, or send {call.key.user!r}.")
        user = call.key.user
    rows = await call.services.read(
        call.services.reads.appeals.page,
        call.company,
        query.after,
        query.limit + 1,
        status=None if query.status is UNSET else query.status,
        user=user,
    )
    return page(rows, query.limit, appeal, lambda row: row.id)


async def grant_appeal(call: Call) -> Answer:
    """Say yes: set a cap, or order a boost."""
    body: GrantRequest = call.body
    name = call.named("appeal")
    if (body.cap_change is None) == (body.boost is None):
        raise Invalid(RULE, errors=[FieldError("", RULE)])
    what = body.boost
    if (change := body.cap_change) is not None:
        until = None if change.until is None else milliseconds(change.until)
        what = Raise(change.requests, cap=change.cap, per=change.per, until=until)
    found = await grant(
        call.services,
        call.company,
        name,
        what,
        by=call.asker.by,
        answer=body.answer,
        is_operators=call.operator is not None,
    )
    return Answer(200, appeal(found))


async def refuse_appeal(call: Call) -> Answer:
    """Say no."""
    appeals, name = call.services.reads.appeals, call.named("appeal")
    found = await call.services.read(appeals.refuse, call.company, name, by=call.asker.by, answer=call.body.answer)
    return Answer(200, appeal(found))
