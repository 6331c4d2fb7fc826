"""API keys: made with a secret that is shown once, listed, revoked."""

from kvota.asgi.keys import make_key
from kvota.errors import NotFound
from kvota.web.answers import Answer, Reply
from kvota.web.page import ADMINS, COMPANY, SEERS, Page, page
from kvota.web.visit import Visit
from kvota.wire.requests import KeyRequest

SHOWN = 100
ROLES = ("app", "admin", "member", "auditor")


async def show(visit: Visit, secret: str | None = None) -> Reply:
    """The keys in force, and the form for another one; ``secret`` is that of one that was made just now."""
    after = visit.came.query.get("after", "")
    rows = await visit.read(visit.reads.keys, visit.company, after, SHOWN + 1)
    return visit.show(
        "keys.html",
        company=visit.company,
        account=await visit.read(visit.reads.company, visit.company),
        keys=rows[:SHOWN],
        following=rows[SHOWN - 1].id if len(rows) > SHOWN else None,
        secret=secret,
        roles=ROLES,
        may_make=visit.session.role in ADMINS,
    )


async def make(visit: Visit) -> Reply:
    """Make one; its secret is on this page and never again."""
    body = visit.form.read(KeyRequest, "role", "user", "label")
    _, secret = await make_key(visit.services, visit.company, body, None, visit.operator)
    return await show(visit, secret)


async def revoke(visit: Visit) -> Answer:
    """Revoke one: at once here, within a second in other processes."""
    name = visit.named("key")
    is_found = await visit.read(visit.reads.revoke_key, visit.company, name, visit.operator)
    visit.services.key_changes += 1
    if not is_found:
        raise NotFound("key", name)
    return visit.go(f"/companies/{visit.company}/keys", "flash.key_revoked")


def pages() -> list[Page]:
    """The pages of this module."""
    return [
        page("keys", SEERS, f"GET {COMPANY}/keys", show, nav=100),
        page("make_key", ADMINS, f"POST {COMPANY}/keys", make, again=show),
        page("revoke_key", ADMINS, f"POST {COMPANY}/keys/{{key}}/revoke", revoke),
    ]
