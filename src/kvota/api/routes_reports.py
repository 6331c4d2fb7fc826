"""The ledger and the statistics, as they are read."""

from kvota.api.calls import Call, page
from kvota.api.problems import Answer
from kvota.asgi.auth import MEMBER
from kvota.asgi.choosing import date, entry_filter, names_dates
from kvota.errors import Invalid
from kvota.store import EntryFilter
from kvota.wire.queries import BY, EntriesQuery, ExportQuery, UsageQuery
from kvota.wire.reports import entry, usage_report


async def list_entries(call: Call) -> Answer:
    """A page of the ledger, by seq."""
    query: EntriesQuery = call.query
    which = await chosen_entries(call, query)
    rows = await call.services.read(call.services.reads.entries, call.company, which, query.after, query.limit + 1)
    return page(rows, query.limit, entry, lambda row: row.entry.seq)


async def chosen_entries(call: Call, query: ExportQuery) -> EntryFilter:
    """Which entries are asked for."""
    if not names_dates(query):
        return entry_filter(query, "UTC")
    return entry_filter(query, (await call.services.read(call.services.reads.company, call.company)).time_zone)


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
