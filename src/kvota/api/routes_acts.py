"""What operators did."""

from msgspec import UNSET

from kvota.api.calls import Call, page
from kvota.api.problems import Answer
from kvota.wire.acts import ActsQuery, act


async def list_acts(call: Call) -> Answer:
    """A page of acts, newest first."""
    query: ActsQuery = call.query
    company = None if query.company is UNSET else query.company
    rows = await call.services.read(call.services.reads.audit.page, company, query.after, query.limit + 1)
    return page(rows, query.limit, act, lambda row: row.id)
