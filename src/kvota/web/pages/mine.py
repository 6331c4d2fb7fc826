"""What a member sees of himself: what he used and may still use, what an action would cost, and asking for more."""

import asyncio
from typing import Any, NamedTuple

from kvota.asgi import texts
from kvota.core.account import Usage
from kvota.core.catalogue import MAX_QUANTITY, Catalogue
from kvota.core.commands import QuoteUsage
from kvota.core.decisions.calls import Quote
from kvota.core.declines import Declined
from kvota.errors import Invalid
from kvota.insight.room import rooms
from kvota.web.answers import Answer, Reply
from kvota.web.page import MEMBERS, Page, page
from kvota.web.pages.overview import DAY, bars
from kvota.web.visit import Visit
from kvota.wire.appeals import AppealRequest

ANSWERED = 5
"""So many of his answered appeals are shown."""


class Asked(NamedTuple):
    """What a quote said; ``why`` it would be declined, in words."""

    action: str
    quote: Quote
    why: str


async def show(visit: Visit) -> Reply:
    """The whole page."""
    user, company = _user(visit), visit.company
    account = await visit.read(visit.reads.company, company)
    today = await visit.today(account.time_zone)
    catalogue, usage, room, waiting, answered = await asyncio.gather(
        visit.read(visit.reads.catalogue),
        visit.read(visit.reads.usage, company, today.replace(day=1), today + DAY, ["action"], user),
        visit.read(rooms, visit.reads, company, user),
        visit.read(visit.reads.appeals.page, company, "", 1, status="open", user=user),
        visit.read(visit.reads.appeals.answered, company, user, ANSWERED),
    )
    return visit.show(
        "mine.html",
        account=account,
        usage=usage,
        rows=sorted(usage.rows, key=lambda row: -row.requests),
        room=room,
        bars=bars(room.balance),
        catalogue=catalogue,
        open_appeal=next(iter(waiting), None),
        answered=answered,
        **await _asked(visit, catalogue),
    )


async def show_quote(visit: Visit) -> Reply:
    """What the action would cost, alone."""
    catalogue = await visit.read(visit.reads.catalogue)
    return visit.show("part_quote.html", catalogue=catalogue, **await _asked(visit, catalogue))


async def _asked(visit: Visit, catalogue: Catalogue) -> dict[str, Any]:
    """The quote that the query asks for, if it does."""
    query = visit.came.query
    action = catalogue.actions.get(query.get("action", ""))
    chosen = "" if action is None else action.id
    values = {"chosen": chosen, "said": query, "quantities": _quantities(catalogue), "asked": None}
    if action is None:
        return values
    try:
        given = {
            name: _quantity(f"q.{name}", text)
            for name in action.quantities
            if (text := query.get(f"q.{name}", "").strip())
        }
        usage = Usage(action=action.id, quantities=given, user=_user(visit))
        command = QuoteUsage(company=visit.company, by=visit.session.owner, usage=usage)
        quote = await visit.read(visit.reads.quote, command)
    except Invalid as problem:
        for one in problem.errors:
            field = one.field.replace("quantities.", "q.")
            visit.errors[field] = texts.translated(one.message, visit.language)
        return values
    return {**values, "asked": Asked(action.id, quote, _why(visit, quote.decline))}


def _quantity(field: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text[:9]) > MAX_QUANTITY:
        raise Invalid.field(field, f"must be a whole number from 0 to {MAX_QUANTITY}", text)
    return int(text)


def _why(visit: Visit, decline: Declined | None) -> str:
    return "" if decline is None else texts.declined(decline, visit.language)


def _quantities(catalogue: Catalogue) -> list[str]:
    """Every quantity that any action has, once."""
    return list(dict.fromkeys(name for action in catalogue.actions.values() for name in action.quantities))


async def ask(visit: Visit) -> Answer:
    """Ask the administrator for more."""
    said = visit.form.read(AppealRequest, "text", "wanted", "action", "reason", "cap")
    await visit.read(
        visit.reads.appeals.ask,
        visit.company,
        _user(visit),
        text=said.text,
        wanted=said.wanted,
        action=said.action,
        reason=said.reason,
        cap=said.cap,
    )
    return visit.go("/mine", "flash.appeal_sent")


def _user(visit: Visit) -> str:
    user = visit.session.user
    if user is None:
        raise TypeError("a member's session names its user")
    return user


def pages() -> list[Page]:
    """The pages of this module."""
    return [
        page("mine", MEMBERS, "GET /mine", show, nav=10),
        page("quote", MEMBERS, "GET /mine/quote", show_quote, is_part=True),
        page("ask_for_more", MEMBERS, "POST /mine/appeal", ask, again=show),
    ]
