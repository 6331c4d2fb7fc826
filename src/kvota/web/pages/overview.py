"""A company at a glance: what is left, whether it lasts, what to do when it does not, how to spend less, who spent."""

import asyncio
import datetime as dt
from typing import Any, NamedTuple

from kvota.asgi.streaming import Stream
from kvota.core.balance import Balance
from kvota.core.catalogue import Catalogue
from kvota.core.report import UsageReport
from kvota.insight import words
from kvota.insight.adviser import advise
from kvota.insight.reader import outlook
from kvota.insight.views import advised
from kvota.insight.views import forecast as shown_forecast
from kvota.web.answers import Answer, Reply
from kvota.web.page import COMPANY, SEERS, Page, page
from kvota.web.rendering import local, titles
from kvota.web.visit import Visit
from kvota.wire.insight import Forecast

DAY = dt.timedelta(days=1)
SPENDERS, TIPS = 5, 3


class Bar(NamedTuple):
    """One line of the picture: of ``total`` so much is ``used``, ``held`` and ``left``."""

    name: str
    used: int
    held: int
    left: int
    total: int
    is_resting: bool = False


async def show(visit: Visit) -> Reply:
    """The first page of a company."""
    reads, company = visit.reads, visit.company
    balance = await visit.read(reads.balance, company)
    start = local(balance.period_start, balance.time_zone).date()
    end = local(balance.at, balance.time_zone).date() + DAY
    account, catalogue, days, users, outlook_ = await asyncio.gather(
        visit.read(reads.company, company),
        visit.read(reads.catalogue),
        visit.read(reads.usage, company, start, end, ["day"]),
        visit.read(reads.usage, company, start, end, ["user"]),
        visit.read(outlook, reads, company),
    )
    said = shown_forecast(outlook_)
    return visit.show(
        "overview.html",
        account=account,
        balance=balance,
        bars=bars(balance),
        catalogue=catalogue,
        forecast=words.forecast(said, visit.language),
        used_up=_used_up(said, catalogue, visit),
        said=said,
        month=_month(balance, days, said),
        spenders=sorted(users.rows, key=lambda row: -row.requests)[:SPENDERS],
        total=users.total,
    )


def bars(balance: Balance) -> list[Bar]:
    """Package, boosts and hour."""
    free = balance.allowance
    found = [
        Bar("package", free.used, free.held, free.remaining, free.granted, is_resting=free.status == "suspended"),
    ]
    if balance.boosts:
        total = sum(one.amount for one in balance.boosts)
        used = sum(one.used for one in balance.boosts)
        found.append(Bar("boosts", used, balance.boosts_held, balance.boosts_remaining, total))
    if (hour := balance.hourly) is not None:
        found.append(Bar("hour", hour.used, 0, hour.remaining, hour.limit))
    return found


def _used_up(said: Forecast, catalogue: Catalogue, visit: Visit) -> list[str]:
    if said.used_up is None:
        return []
    zone = dt.UTC if not said.period.time_zone else local(0, said.period.time_zone).tzinfo or dt.UTC
    return words.used_up(said.used_up, zone, titles(visit.language, catalogue), visit.language)


def _month(balance: Balance, days: UsageReport, said: Forecast) -> dict[str, Any]:
    """The drawn month: what was used by the end of each day, and what may be by the end of the coming ones."""
    used = {str(row.keys[0]): row.requests - row.refunded for row in days.rows}
    start = local(balance.period_start, balance.time_zone).date()
    today = local(balance.at, balance.time_zone).date()
    total, past = 0, list[tuple[str, int]]()
    for number in range((today - start).days + 1):
        date = start + number * DAY
        total += used.get(date.isoformat(), 0)
        past.append((date.isoformat(), total))
    ahead = [
        (one.date.isoformat(), one.used.low, one.used.middle, one.used.high) for one in said.ahead if one.date >= today
    ]
    return {"past": past, "ahead": ahead, "granted": balance.allowance.granted}


async def tips(visit: Visit) -> Reply:
    """The first pieces of advice: a part of its own, for it reads the ledger."""
    said = advised(await visit.read(advise, visit.reads, visit.company))
    named = titles(visit.language, await visit.read(visit.reads.catalogue))
    told = [words.advice(one, named, visit.language) for one in said.advice[:TIPS]]
    return visit.show("part_tips.html", tips=told, more=len(said.advice) - len(told))


async def left(visit: Visit) -> Reply:
    """What is left, anew: for a page that is open when the balance moves."""
    account = await visit.read(visit.reads.company, visit.company)
    balance = await visit.read(visit.reads.balance, visit.company)
    return visit.show("part_left.html", account=account, balance=balance, bars=bars(balance))


async def moves(visit: Visit) -> Reply:
    """The stream that tells when to ask for it."""
    head, told = await visit.read(visit.reads.head, visit.company), visit.came.query.get("seen", "")
    seen = int(told) if told.isascii() and told.isdigit() and len(told) < 16 else head  # noqa: PLR2004 - no ledger is longer
    if visit.live.is_full:
        return Answer(204, b"")
    headers = ((b"x-accel-buffering", b"no"),)
    return Answer(200, Stream(visit.live.tell(visit.company, seen)), b"text/event-stream", headers)


def pages() -> list[Page]:
    """The pages of this module."""
    return [
        page("left", SEERS, f"GET {COMPANY}/parts/left", left, is_part=True),
        page("moves", SEERS, f"GET {COMPANY}/parts/moves", moves, is_part=True),
        page("overview", SEERS, f"GET {COMPANY}", show, nav=20),
        page("tips", SEERS, f"GET {COMPANY}/parts/tips", tips, is_part=True),
    ]
