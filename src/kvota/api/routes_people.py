"""The users' directory: names that can be erased, and departments that usage takes from it."""

from kvota.api.calls import Call, page
from kvota.api.problems import Answer
from kvota.errors import Invalid
from kvota.wire import asking, views
from kvota.wire.fields import is_id
from kvota.wire.rules import ID_RULE


async def put_user(call: Call) -> Answer:
    """Add somebody to the directory, or change what is named."""
    user = call.parameters["user"]
    if not is_id(user):
        raise Invalid.field("user", ID_RULE, user)
    reads = call.services.reads
    person, is_new = await call.services.read(
        reads.put_person, call.company, user, asking.person_changes(call.body), call.operator
    )
    return Answer(201 if is_new else 200, views.person(person))


async def list_users(call: Call) -> Answer:
    """A page of the directory, by id."""
    query = call.query
    rows = await call.services.read(call.services.reads.people, call.company, query.after, query.limit + 1)
    return page(rows, query.limit, views.person, lambda row: row.user)


async def get_user(call: Call) -> Answer:
    """One person of the directory."""
    return Answer(
        200, views.person(await call.services.read(call.services.reads.person, call.company, call.named("user")))
    )


async def erase_user(call: Call) -> Answer:
    """Erase the person; what was used stays, under the user's id."""
    await call.services.read(call.services.reads.erase_person, call.company, call.named("user"), call.operator)
    return Answer(204)
