"""What a member sees of himself."""

from kvota.web.answers import Reply
from kvota.web.page import MEMBERS, Page, page
from kvota.web.pages.overview import DAY
from kvota.web.visit import Visit


async def show(visit: Visit) -> Reply:
    """What he has used this month, by action."""
    account = await visit.read(visit.reads.company, visit.company)
    today = await visit.today(account.time_zone)
    usage = await visit.read(
        visit.reads.usage, visit.company, today.replace(day=1), today + DAY, ["action"], visit.session.user
    )
    catalogue = await visit.read(visit.reads.catalogue)
    rows = sorted(usage.rows, key=lambda row: -row.requests)
    return visit.show("mine.html", account=account, usage=usage, rows=rows, catalogue=catalogue)


def pages() -> list[Page]:
    """The pages of this module."""
    return [page("mine", MEMBERS, "GET /mine", show, nav=10)]
