"""The ledger and the statistics, as they are read."""

import datetime as dt

from msgspec import UNSET, UnsetType

from kvota.api.calls import Call, page
from kvota.api.problems import Answer
from kvota.asgi.auth import MEMBER
from kvota.core.entries import KINDS
from kvota.core.periods import first_instant, milliseconds
from kvota.errors import Invalid
from kvota.store import EntryFilter
from kvota.wire.fields import parse_instant
from kvota.wire.queries import BY, EntriesQuery, ExportQuery, UsageQuery
from kvota.wire.reports import entry, usage_report

FIRST_YEAR, LAST_YEAR = 1970, 2099


async def list_entries(call: Call) -> Answer:
    """A page of the ledger, by seq."""
    query: EntriesQuery = call.query
    which = await entry_filter(call, query)
    rows = await call.services.read(call.services.reads.entries, call.company, which, query.after, query.limit + 1)
    return page(rows, query.limit, entry, lambda row: row.entry.seq)


async def entry_filter(call: Call, query: ExportQuery) -> EntryFilter:
    """Which entries are asked for; dates are those of the company's calendar."""
    if query.kind is not UNSET and query.kind not in KINDS:
        raise Invalid.field("kind", f"must be one of {', '.join(KINDS)}", query.kind)
    zone = "UTC"
    if query.start is not UNSET or query.end is not UNSET:
        zone = (await call.services.read(call.services.reads.company, call.company)).time_zone
    which = EntryFilter(
        kind=query.kind or None,
        user=query.user or None,
        action=query.action or None,
        start=_moment("from", query.start, zone),
        end=_moment("to", query.end, zone),
    )
    if which.start is not None and which.end is not None and which.end <= which.start:
        raise Invalid.field("to", "must be after from", query.end)
    return which


def _moment(field: str, text: str | UnsetType, zone: str) -> int | None:
    """The instant of a parameter: a local date is its first one."""
    if text is UNSET:
        return None
    named = _date_or_none(text)
    if named is not None:
        return first_instant(zone, named)
    try:
        return milliseconds(parse_instant(text))
    except ValueError:
        raise Invalid.field(
            field, "must be a date such as 2026-11-01, or an instant of RFC 3339 with its offset", text
        ) from None


def _date_or_none(text: str) -> dt.date | None:
    try:
        found = dt.datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=dt.UTC).date()
    except ValueError:
        return None
    return found if found.isoformat() == text and FIRST_YEAR <= found.year <= LAST_YEAR else None


def date(field: str, text: str) -> dt.date:
    """The local date of a parameter."""
    found = _date_or_none(text)
    if found is None:
        raise Invalid.field(field, "must be a date such as 2026-11-01, in the years 1970 to 2099", text)
    return found


async def usage(call: Call) -> Answer:
    """Statistics of local dates; a member sees his own."""
    query: UsageQuery = call.query
    start, end = date("from", query.start), date("to", query.end)
    by = tuple(query.by.split(","))
    if not set(by) <= set(BY) or len(set(by)) != len(by):
        raise Invalid.field("by", f"must be a list of {', '.join(BY)} with commas between them, each once", query.by)
    user = call.key.user if call.key.role == MEMBER else None
    report = await call.services.read(call.services.reads.usage, call.company, start, end, by, user)
    return Answer(200, usage_report(report))
