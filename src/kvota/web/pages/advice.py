"""How to spend less: every advice, with its amount, its worth, and the calls behind it."""

from kvota.insight import words
from kvota.insight.adviser import advise
from kvota.insight.views import advised
from kvota.web.answers import Reply
from kvota.web.page import COMPANY, SEERS, Page, page
from kvota.web.rendering import titles
from kvota.web.visit import Visit

SHOWN = 20


async def show(visit: Visit) -> Reply:
    """All advice of the last 30 days."""
    account = await visit.read(visit.reads.company, visit.company)
    said = advised(await visit.read(advise, visit.reads, visit.company))
    named = titles(visit.language, await visit.read(visit.reads.catalogue))
    told = [(one, words.advice(one, named, visit.language)) for one in said.advice]
    return visit.show("advice.html", account=account, said=said, told=told, shown=SHOWN)


def pages() -> list[Page]:
    """The pages of this module."""
    return [page("advice", SEERS, f"GET {COMPANY}/advice", show, nav=35)]
