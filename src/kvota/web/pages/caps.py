"""Caps for users, departments and tools."""

import datetime as dt
from zoneinfo import ZoneInfo

from kvota.core import commands
from kvota.core.periods import milliseconds, rfc3339
from kvota.errors import Invalid
from kvota.web.answers import Answer, Reply
from kvota.web.page import ADMINS, COMPANY, SEERS, Page, page
from kvota.web.visit import Visit
from kvota.wire import asking
from kvota.wire.fields import encode, is_id
from kvota.wire.reading import read_body
from kvota.wire.requests import CapRequest
from kvota.wire.rules import ID_RULE

SCOPES = ("user", "users", "department", "tool")


async def show(visit: Visit) -> Reply:
    """All caps, and the form for another one."""
    reads, company = visit.reads, visit.company
    return visit.show(
        "caps.html",
        account=await visit.read(reads.company, company),
        caps=await visit.read(reads.caps, company),
        catalogue=await visit.read(reads.catalogue),
        scopes=SCOPES,
        may_set=visit.session.role in ADMINS,
    )


async def set_cap(visit: Visit) -> Answer:
    """Set one, or change it."""
    form, company = visit.form, visit.company
    scope = form.get("scope")
    named = "each" if scope == "users" else form.get("tool") if scope == "tool" else form.get("name")
    cap = form.get("cap") or "-".join(part for part in (scope, named, form.get("per")) if part)
    if not is_id(cap):
        raise Invalid.field("cap", ID_RULE, cap)
    account = await visit.read(visit.reads.company, company)
    said = {
        "scope": {scope: named} if scope in SCOPES else {},
        "requests": _whole(form.get("requests")),
        "per": form.get("per"),
        "until": _end_of(form.get("until"), account.time_zone),
    }
    try:
        await visit.submit(asking.set_cap(company, cap, read_body(CapRequest, encode(said)), visit.asker))
    except Invalid as error:
        raise _beside_fields(error, scope) from None
    return visit.go(f"/companies/{company}/caps", "flash.cap_set")


def _whole(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else text  # noqa: PLR2004 - longer is refused


def _end_of(date: str, zone: str) -> str | None:
    """The end of a local date, as an instant; what is no date is refused as it stands."""
    if not date:
        return None
    try:
        day = dt.date.fromisoformat(date) + dt.timedelta(days=1)
        return rfc3339(milliseconds(dt.datetime.combine(day, dt.time(), ZoneInfo(zone))))
    except (ValueError, OverflowError):
        return date


def _beside_fields(error: Invalid, scope: str) -> Invalid:
    """The scope's name stands in a field of its own, a tool's in another."""
    there = "tool" if scope == "tool" else "name"
    errors = [one._replace(field=there if one.field.startswith("scope") else one.field) for one in error.errors]
    return Invalid(error.detail, errors=errors)


async def remove(visit: Visit) -> Answer:
    """Remove one."""
    await visit.submit(commands.RemoveCap(company=visit.company, by=visit.asker.by, cap=visit.named("cap")))
    return visit.go(f"/companies/{visit.company}/caps", "flash.cap_removed")


def pages() -> list[Page]:
    """The pages of this module."""
    return [
        page("caps", SEERS, f"GET {COMPANY}/caps", show, nav=70),
        page("set_cap", ADMINS, f"POST {COMPANY}/caps", set_cap, again=show),
        page("remove_cap", ADMINS, f"POST {COMPANY}/caps/{{cap}}/remove", remove),
    ]
