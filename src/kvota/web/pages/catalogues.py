"""The operator's catalogues: the one in force, all versions, and a new one that is tried out before it is loaded."""

import asyncio
from collections import Counter
from typing import NamedTuple

from kvota.editions import Offered
from kvota.errors import CatalogueInvalid
from kvota.rehearsing import Rehearsed, RehearsedPage
from kvota.web.answers import Reply
from kvota.web.page import OPERATORS, Page, page
from kvota.web.visit import Visit

PATH = "/operator/catalogue"
EDITIONS, COMPANIES, SHOWN = 1000, 1000, 20


class Tried(NamedTuple):
    """What a new catalogue would change, and what last month would have been under it."""

    offered: Offered
    months: RehearsedPage
    before: int
    after: int
    refused: Counter[str]
    most_changed: list[Rehearsed]


async def show(visit: Visit) -> Reply:
    """The editions, and the form of a new one."""
    return await _shown(visit, None)


async def check(visit: Visit) -> Reply:
    """Try it out: nothing is loaded."""
    text = _text(visit)
    try:
        offered = await visit.read(visit.reads.editions.preview, text)
        months = await visit.services.work(visit.reads.editions.rehearse, text, "", COMPANIES)
    except CatalogueInvalid as problem:
        return await _refused(visit, problem)
    return await _shown(visit, _tried(offered, months))


async def load(visit: Visit) -> Reply:
    """Load it."""
    try:
        await visit.read(visit.reads.editions.load, _text(visit), visit.session.owner)
    except CatalogueInvalid as problem:
        return await _refused(visit, problem)
    return visit.go(PATH, "flash.catalogue_loaded")


async def _refused(visit: Visit, problem: CatalogueInvalid) -> Reply:
    visit.errors = {one.field: one.message for one in problem.errors} or {"": problem.detail}
    return await _shown(visit, None)


async def _shown(visit: Visit, tried: Tried | None) -> Reply:
    reads = visit.reads
    (rows, in_force), catalogue = await asyncio.gather(
        visit.read(reads.editions.page, 0, EDITIONS), visit.read(reads.catalogue)
    )
    return visit.show(
        "catalogue.html",
        editions=rows[::-1],
        in_force=in_force,
        catalogue=catalogue,
        tried=tried,
        text=_text(visit) or rows[-1].text,
    )


def _text(visit: Visit) -> str:
    return visit.form.get("text").replace("\r\n", "\n")


def _tried(offered: Offered, months: RehearsedPage) -> Tried:
    refused: Counter[str] = Counter()
    for one in months.months:
        refused.update(one.month.refused)
    changed = [one for one in months.months if one.month.before != one.month.after or one.month.refused]
    changed.sort(key=lambda one: -abs(one.month.after.requests - one.month.before.requests))
    return Tried(
        offered=offered,
        months=months,
        before=sum(one.month.before.requests for one in months.months),
        after=sum(one.month.after.requests for one in months.months),
        refused=refused,
        most_changed=changed[:SHOWN],
    )


def pages() -> list[Page]:
    """The pages of this module."""
    return [
        page("catalogue", OPERATORS, f"GET {PATH}", show, nav=14),
        page("check_catalogue", OPERATORS, f"POST {PATH}/check", check),
        page("load_catalogue", OPERATORS, f"POST {PATH}/load", load),
    ]
