"""What people ask their administrator for: granted by a cap or by ordering a boost, or refused."""

import asyncio
from typing import NamedTuple

from kvota.asgi.granting import Raise, grant
from kvota.core.appeals import Appeal
from kvota.core.catalogue import MAX_AMOUNT
from kvota.errors import Invalid
from kvota.insight.room import Rooms, rooms
from kvota.web.answers import Answer, Reply
from kvota.web.page import ADMINS, COMPANY, SEERS, Page, page
from kvota.web.pages.days import end_of_day
from kvota.web.visit import Visit
from kvota.wire.appeals import RefuseRequest

SHOWN, ANSWERED = 20, 20


class Asking(NamedTuple):
    """An open appeal, with what is known of who asks."""

    appeal: Appeal
    rooms: Rooms


async def show(visit: Visit) -> Reply:
    """The open ones, each with the forms that answer it, and the latest answered ones."""
    reads, company = visit.reads, visit.company
    account, catalogue, waiting, answered, balance = await asyncio.gather(
        visit.read(reads.company, company),
        visit.read(reads.catalogue),
        visit.read(reads.appeals.waiting, company, SHOWN),
        visit.read(reads.appeals.answered, company, None, ANSWERED),
        visit.read(reads.balance, company),
    )
    return visit.show(
        "appeals.html",
        account=account,
        catalogue=catalogue,
        asking=[Asking(one, await visit.read(rooms, reads, company, one.user)) for one in waiting],
        answered=answered,
        may_answer=visit.session.role in ADMINS,
        suspends=balance.allowance.remaining
        if catalogue.boosts_first and balance.allowance.status == "active" and not balance.boosts
        else 0,
    )


async def raise_cap(visit: Visit) -> Answer:
    """Grant it by a cap."""
    form, name = visit.form, visit.named("appeal")
    per = form.get("per")
    what = Raise(
        _requests(form.get("requests")),
        cap=form.get("cap") or None,
        per="day" if per == "day" else "week" if per == "week" else "month" if per == "month" else None,
        until=await end_of_day(visit, "until"),
    )
    return await _grant(visit, name, what)


async def order_boost(visit: Visit) -> Answer:
    """Grant it by ordering a boost."""
    return await _grant(visit, visit.named("appeal"), visit.form.get("boost"))


async def _grant(visit: Visit, name: str, what: Raise | str) -> Answer:
    await grant(
        visit.services,
        visit.company,
        name,
        what,
        by=visit.session.owner,
        answer=_answer(visit),
        is_operators=visit.operator is not None,
    )
    return visit.go(f"/companies/{visit.company}/appeals", "flash.appeal_granted")


async def refuse(visit: Visit) -> Answer:
    """Say no."""
    appeals = visit.reads.appeals
    await visit.read(
        appeals.refuse, visit.company, visit.named("appeal"), by=visit.session.owner, answer=_answer(visit)
    )
    return visit.go(f"/companies/{visit.company}/appeals", "flash.appeal_refused")


def _answer(visit: Visit) -> str | None:
    return visit.form.read(RefuseRequest, "answer").answer


def _requests(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text[:12]) > MAX_AMOUNT:
        raise Invalid.field("requests", f"must be a whole number from 0 to {MAX_AMOUNT}", text)
    return int(text)


def pages() -> list[Page]:
    """The pages of this module."""
    one = f"{COMPANY}/appeals/{{appeal}}"
    return [
        page("appeals", SEERS, f"GET {COMPANY}/appeals", show, nav=70),
        page("raise_cap", ADMINS, f"POST {one}/cap", raise_cap, again=show),
        page("order_boost", ADMINS, f"POST {one}/boost", order_boost, again=show),
        page("refuse_appeal", ADMINS, f"POST {one}/refuse", refuse, again=show),
    ]
