"""Caps, API keys, and the sandbox's clock."""

from typing import Any

from kvota.api.calls import Call, page
from kvota.api.problems import Answer
from kvota.asgi import keys
from kvota.core import commands
from kvota.core.decisions.calls import CapPut
from kvota.core.periods import instant, milliseconds
from kvota.errors import Invalid, NotFound
from kvota.store import ApiKey
from kvota.wire import asking, views
from kvota.wire import replies as wire
from kvota.wire.fields import is_id
from kvota.wire.requests import KeyRequest
from kvota.wire.rules import ID_RULE


async def set_cap(call: Call) -> Answer:
    """Set a cap, or change it."""
    name = call.parameters["cap"]
    if not is_id(name):
        raise Invalid.field("cap", ID_RULE, name)
    command = asking.set_cap(call.company, name, call.body, call.asker)
    return await call.write(command, _cap_view, lambda reply: 201 if reply.made else 200)


def _cap_view(reply: CapPut) -> object:
    return views.cap(reply.cap)


async def list_caps(call: Call) -> Answer:
    """All caps, by id."""
    rows = await call.services.read(call.services.reads.caps, call.company)
    return Answer(200, wire.Page[Any](items=[views.cap(row) for row in rows]))


async def remove_cap(call: Call) -> Answer:
    """Remove a cap."""
    command = commands.RemoveCap(company=call.company, by=call.asker.by, cap=call.named("cap"))
    return await call.write(command, lambda _: None, 204)


async def make_key(call: Call) -> Answer:
    """Make an API key; a key that is bound to actions makes only such as are bound to some of them."""
    body: KeyRequest = call.body
    key, secret = await keys.make_key(call.services, call.company, body, call.key.actions, call.operator)
    made = wire.NewApiKey(id=key.id, role=key.role, user=key.user, label=key.label, actions=_actions(key), key=secret)
    return Answer(201, made)


def _actions(key: ApiKey) -> list[str] | None:
    return None if key.actions is None else list(key.actions)


def _key_view(key: ApiKey) -> wire.ApiKey:
    return wire.ApiKey(
        id=key.id,
        role=key.role,
        user=key.user,
        label=key.label,
        actions=_actions(key),
        created_at=instant(key.created_at),
    )


async def list_keys(call: Call) -> Answer:
    """A page of the keys in force, by id, without their secrets."""
    query = call.query
    rows = await call.services.read(call.services.reads.keys, call.company, query.after, query.limit + 1)
    return page(rows, query.limit, _key_view, lambda row: row.id)


async def revoke_key(call: Call) -> Answer:
    """Revoke a key: at once here, within seconds in other processes."""
    reads, name = call.services.reads, call.named("key")
    await call.services.read(reads.company, call.company)
    is_found = await call.services.read(reads.revoke_key, call.company, name, call.operator)
    call.services.key_changes += 1
    if not is_found:
        raise NotFound("key", name)
    return Answer(204)


async def get_clock(call: Call) -> Answer:
    """The sandbox's clock."""
    reads = call.services.reads
    if not reads.is_sandbox:
        raise NotFound("sandbox clock", "clock")
    return Answer(200, wire.Clock(now=instant(await call.services.read(reads.clock))))


async def set_clock(call: Call) -> Answer:
    """Set the sandbox's clock; it stands still there."""
    reads = call.services.reads
    if not reads.is_sandbox:
        raise NotFound("sandbox clock", "clock")
    await call.services.read(reads.set_clock, milliseconds(call.body.now))
    return Answer(200, wire.Clock(now=call.body.now))
