"""The price list, open to everybody: plans, boosts and actions of the catalogue, and a calculator."""

from collections.abc import Mapping

from kvota.asgi import texts
from kvota.core.catalogue import MAX_QUANTITY, Action, Catalogue
from kvota.insight.estimate import Chosen, estimate
from kvota.web.answers import Reply
from kvota.web.page import Page, page
from kvota.web.visit import Visit

MAX_TIMES = 100_000
FITS = 4
DEFAULT = 1
"""What a quantity is in the form before anybody says another."""


def field(action: str, quantity: str) -> str:
    """The name of a quantity's field; the field of an action's number is called after the action."""
    return f"{action}.{quantity}"


async def show(visit: Visit) -> Reply:
    """The whole page; the calculator's form leads here where no script runs."""
    catalogue = await visit.read(visit.reads.catalogue)
    return visit.show("prices.html", catalogue=catalogue, asked=visit.came.query, **await _reckoned(visit, catalogue))


async def show_estimate(visit: Visit) -> Reply:
    """What the calculator says, alone."""
    catalogue = await visit.read(visit.reads.catalogue)
    return visit.show("part_estimate.html", catalogue=catalogue, **await _reckoned(visit, catalogue))


async def _reckoned(visit: Visit, catalogue: Catalogue) -> dict[str, object]:
    chosen = _chosen(visit, catalogue, visit.came.query)
    found = await visit.read(estimate, catalogue, chosen) if chosen and not visit.errors else None
    return {"estimate": found, "shown": FITS, "default": DEFAULT, "field": field, "most": MAX_TIMES}


def _chosen(visit: Visit, catalogue: Catalogue, query: Mapping[str, str]) -> list[Chosen]:
    """What is chosen; something wrong stands in the visit's errors then."""
    return [
        Chosen(action=name, times=times, quantities=_quantities(visit, action, query))
        for name, action in catalogue.actions.items()
        if (times := _number(visit, query, name, default=0, most=MAX_TIMES))
    ]


def _quantities(visit: Visit, action: Action, query: Mapping[str, str]) -> dict[str, int]:
    return {
        name: _number(visit, query, field(action.id, name), default=DEFAULT, most=MAX_QUANTITY)
        for name in action.quantities
    }


def _number(visit: Visit, query: Mapping[str, str], name: str, *, default: int, most: int) -> int:
    text = query.get(name, "").strip()
    if not text:
        return default
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(most)) else most + 1
    if number > most:
        visit.errors[name] = texts.translated(f"must be a whole number from 0 to {most}", visit.language)
        return default
    return number


def pages() -> list[Page]:
    """The pages of this module."""
    return [
        page("prices", None, "GET /prices", show, nav=200),
        page("estimate", None, "GET /prices/estimate", show_estimate, is_part=True),
    ]
