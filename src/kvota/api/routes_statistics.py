"""The statistics, compared with the days before, and the entries behind them."""

from kvota.api.calls import Call
from kvota.api.problems import Answer
from kvota.asgi.auth import MEMBER
from kvota.asgi.choosing import choice
from kvota.core.state import replace
from kvota.errors import Forbidden
from kvota.insight.counted import counted
from kvota.insight.statistics import Choice, statistics
from kvota.insight.statistics_views import counted_entry
from kvota.insight.statistics_views import statistics as shown_statistics
from kvota.wire.queries import CountedQuery, StatisticsQuery
from kvota.wire.replies import Page
from kvota.wire.statistics import CountedEntry


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
    chosen = choice(query)
    if call.key.role != MEMBER:
        return chosen
    if chosen.user not in (None, call.key.user):
        raise Forbidden("The role member may see the statistics of its own user only.")
    return replace(chosen, user=call.key.user)
