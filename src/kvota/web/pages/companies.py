"""The operator's companies: those nearest to running out first; and a new one."""

from kvota.core.commands import PutCompany
from kvota.errors import Invalid, NotFound
from kvota.insight.risk import riskiest
from kvota.web.answers import Answer, Reply
from kvota.web.page import OPERATORS, Page, page
from kvota.web.visit import Visit
from kvota.wire.fields import is_id
from kvota.wire.rules import ID_RULE

SHOWN = 50
MAX_SKIP = 1_000_000
NEW = "/operator/new-company"


async def show(visit: Visit) -> Reply:
    """A page of those that the search finds."""
    query = visit.came.query
    search = query.get("search", "")[:200]
    text = query.get("skip", "0")
    skip = min(int(text[:9]), MAX_SKIP) if text.isascii() and text.isdigit() else 0
    found = await visit.read(riskiest, visit.reads, search=search, skip=skip, limit=SHOWN)
    return visit.show(
        "companies.html",
        companies=found.rows,
        found=found.found,
        search=search,
        skip=skip,
        following=skip + SHOWN if skip + SHOWN < found.found else None,
        before=max(0, skip - SHOWN) if skip else None,
        catalogue=await visit.read(visit.reads.catalogue),
    )


async def show_new(visit: Visit) -> Reply:
    """The form of a new company."""
    return visit.show("new_company.html", catalogue=await visit.read(visit.reads.catalogue))


async def make(visit: Visit) -> Answer:
    """Make it; one that is there already stays as it is."""
    form = visit.form
    company = form.get("id")
    if not is_id(company):
        raise Invalid.field("id", ID_RULE, company)
    try:
        await visit.read(visit.reads.company, company)
    except NotFound:
        pass
    else:
        raise Invalid.field("id", "is taken: another company has it", company)
    await visit.submit(
        PutCompany(
            company=company,
            by=visit.session.owner,
            name=form.get("name"),
            plan=form.get("plan"),
            time_zone=form.get("time_zone"),
            locale=form.get("locale"),
        )
    )
    return visit.go(f"/companies/{company}", "flash.company_made")


def pages() -> list[Page]:
    """The pages of this module."""
    return [
        page("companies", OPERATORS, "GET /companies", show, nav=10),
        page("new_company", OPERATORS, f"GET {NEW}", show_new),
        page("make_company", OPERATORS, f"POST {NEW}", make, again=show_new),
    ]
