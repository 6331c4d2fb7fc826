"""The operator's list of companies."""

from kvota.web.answers import Reply
from kvota.web.page import OPERATORS, Page, page
from kvota.web.visit import Visit

SHOWN = 50


async def show(visit: Visit) -> Reply:
    """A page of them, by id."""
    after = visit.came.query.get("after", "")
    rows = await visit.read(visit.reads.companies, after, SHOWN + 1)
    catalogue = await visit.read(visit.reads.catalogue)
    following = rows[SHOWN - 1].company if len(rows) > SHOWN else None
    return visit.show("companies.html", companies=rows[:SHOWN], following=following, catalogue=catalogue)


def pages() -> list[Page]:
    """The pages of this module."""
    return [page("companies", OPERATORS, "GET /companies", show, nav=10)]
