"""The statistics, compared with the days before, and the entries behind them."""

from typing import Literal

from msgspec import UNSET

from kvota.api.calls import Call
from kvota.api.problems import Answer
from kvota.api.routes_reports import date
from kvota.api.statistics_views import counted_entry
from kvota.api.statistics_views import statistics as shown_statistics
from kvota.asgi.auth import MEMBER
from kvota.errors import Forbidden, Invalid
from kvota.insight.counted import counted
from kvota.insight.statistics import Choice, statistics
from kvota.wire.queries import CountedQuery, StatisticsQuery
from kvota.wire.replies import Page
from kvota.wire.statistics import CountedEntry

WITHOUT = ("user", "department")


async def get_statistics(call: Call) -> Answer:
    """Statistics of local dates, compared with the days before; a member sees his own."""
    query: StatisticsQuery = call.query
    said = await call.services.read(statistics, call.services.reads, call.company, _choice(call, query), query.limit)
    return Answer(200, shown_statistics(said))


async def list_counted(call: Call) -> Answer:
    """A page of the entries behind a number of the statistics."""
    query: CountedQuery = call.query
    page = await call.services.read(
        counted, call.services.reads, call.company, _choice(call, query), query.after, query.limit
    )
    return Answer(200, Page[CountedEntry](items=[counted_entry(one) for one in page.items], next=page.next))


def _choice(call: Call, query: StatisticsQuery) -> Choice:
    absent = () if query.without is UNSET else tuple(query.without.split(","))
    if not set(absent) <= set(WITHOUT) or len(set(absent)) != len(absent):
        raise Invalid.field("without", "must be user, department or both with a comma between them", query.without)
    user = _named(query, "user", absent)
    if call.key.role == MEMBER:
        if user not in (None, call.key.user):
            raise Forbidden("The role member may see the statistics of its own user only.")
        user = call.key.user
    return Choice(
        start=date("from", query.start),
        end=date("to", query.end),
        hour=None if query.hour is UNSET else query.hour,
        tool=query.tool or None,
        action=query.action or None,
        user=user,
        department=_named(query, "department", absent),
    )


def _named(query: StatisticsQuery, column: Literal["user", "department"], absent: tuple[str, ...]) -> str | None:
    """What is asked of a column; '' for calls that named none."""
    value = getattr(query, column)
    if column not in absent:
        return value or None
    if value is not UNSET:
        raise Invalid.field(column, f"cannot be named together with without={column}", value)
    return ""
