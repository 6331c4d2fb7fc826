"""Who used what, and when: the statistics, narrowed down step by step to the entries behind each number."""

import datetime as dt
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode

from kvota.asgi.choosing import choice
from kvota.asgi.languages import Language
from kvota.insight import figures, words
from kvota.insight.counted import counted
from kvota.insight.statistics import statistics as read_statistics
from kvota.insight.statistics import total as read_total
from kvota.insight.statistics_views import asked, counted_entry
from kvota.insight.statistics_views import statistics as shown_statistics
from kvota.insight.words import Titles
from kvota.web.answers import Reply
from kvota.web.page import COMPANY, SEERS, Page, page
from kvota.web.rendering import titles
from kvota.web.visit import Visit
from kvota.wire.queries import CountedQuery, StatisticsQuery
from kvota.wire.reading import read_query
from kvota.wire.statistics import Counted, Dates, Statistics, StatisticsLine

DAY = dt.timedelta(days=1)
NAMED, AT_ONCE = 20, 100
LISTS = ("tools", "actions", "users", "departments")


class Step(NamedTuple):
    """One thing that the page is narrowed to, and the query without it."""

    column: str
    value: str
    query: str


class Column(NamedTuple):
    """One bar of a chart: its place and heights in per cent of the highest."""

    x: float
    width: float
    now: float
    before: float


class Told:
    """How the statistics are told in one language."""

    def __init__(self, language: Language, named: Titles) -> None:
        self._language: Language = language
        self._named = named

    def spent(self, sums: StatisticsLine | Counted) -> int:
        """What was not given back."""
        return sums.requests - sums.refunded

    def name(self, column: str, line: StatisticsLine) -> str:
        """What a line is about."""
        if column == "days":
            return words.date(dt.date.fromisoformat(str(line.name)), self._language)
        return figures.name(line, self._named, self._language)

    def change(self, line: StatisticsLine) -> str:
        """By how much more or less than before it is."""
        return figures.change(self.spent(line), self.spent(line.before), self._language)

    def days(self, dates: Dates) -> str:
        """From the first day to the last."""
        return figures.days(dates.start, dates.end, self._language)

    def reason(self, code: str) -> str:
        """Why a call was declined."""
        return figures.reason(code, self._language)


async def show(visit: Visit) -> Reply:
    """The statistics of some days; where none are named, of this month."""
    account = await visit.read(visit.reads.company, visit.company)
    today = await visit.today(account.time_zone)
    query = _query(visit.came.query, today)
    chosen = choice(read_query(StatisticsQuery, query))
    said = shown_statistics(await visit.read(read_statistics, visit.reads, visit.company, chosen, NAMED))
    catalogue = await visit.read(visit.reads.catalogue)
    named = titles(visit.language, catalogue)
    return visit.show(
        "statistics.html",
        account=account,
        said=said,
        last=chosen.end - DAY,
        query=urlencode(query),
        kept={name: value for name, value in query.items() if name not in ("from", "to")},
        say=Told(visit.language, named),
        named=named,
        steps=_steps(query),
        periods=_periods(query, today),
        charts={"days": _chart(said, "days"), "hours": _chart(said, "hours")},
        lists=[(name, getattr(said, name)) for name in LISTS],
    )


def _query(came: Mapping[str, str], today: dt.date) -> dict[str, str]:
    """What was asked; ``last`` is the last day, as people say it, in place of ``to``."""
    query = {name: value for name, value in came.items() if value and name != "after"}
    last = query.pop("last", None)
    if last is not None:
        try:
            query["to"] = (dt.date.fromisoformat(last) + DAY).isoformat()
        except (ValueError, OverflowError):
            query["to"] = last
    query.setdefault("from", today.replace(day=1).isoformat())
    query.setdefault("to", (today + DAY).isoformat())
    return query


def _steps(query: Mapping[str, str]) -> list[Step]:
    steps: list[Step] = []
    for column, value in query.items():
        if column in ("hour", "tool", "action", "user", "department"):
            rest = {name: one for name, one in query.items() if name != column}
            steps.append(Step(column, value, urlencode(rest)))
    for column in query.get("without", "").split(",") if "without" in query else ():
        others = ",".join(one for one in query["without"].split(",") if one != column)
        rest = {name: one for name, one in query.items() if name != "without"}
        steps.append(Step(column, "", urlencode({**rest, "without": others} if others else rest)))
    return steps


def _periods(query: Mapping[str, str], today: dt.date) -> list[tuple[str, str, bool]]:
    """The days that one may want to see: the key of the name, the query, and whether they are shown now."""
    first = today.replace(day=1)
    before = (first - DAY).replace(day=1)
    spans = {
        "this_month": (first, today + DAY),
        "last_month": (before, first),
        "week": (today - 6 * DAY, today + DAY),
        "thirty": (today - 29 * DAY, today + DAY),
    }
    found: list[tuple[str, str, bool]] = []
    for name, (start, end) in spans.items():
        dates = {"from": start.isoformat(), "to": end.isoformat()}
        found.append((name, urlencode({**query, **dates}), {**query, **dates} == dict(query)))
    return found


def _chart(said: Statistics, name: str) -> list[Column]:
    lines: list[StatisticsLine] = getattr(said, name)
    sums = [(line.requests - line.refunded, line.before.requests - line.before.refunded) for line in lines]
    most = max([1, *(max(pair) for pair in sums)])
    width = 100 / len(lines)

    def height(value: int) -> float:
        return round(100 * max(0, value) / most, 2)

    return [Column(round(n * width, 3), round(width, 3), height(now), height(was)) for n, (now, was) in enumerate(sums)]


async def entries(visit: Visit) -> Reply:
    """The entries behind a number, with what each adds to it."""
    account = await visit.read(visit.reads.company, visit.company)
    today = await visit.today(account.time_zone)
    query = _query(visit.came.query, today)
    asks = read_query(CountedQuery, {**query, "after": visit.came.query.get("after", "0")})
    chosen = choice(asks)
    found = await visit.read(counted, visit.reads, visit.company, chosen, asks.after, AT_ONCE)
    total = await visit.read(read_total, visit.reads, visit.company, chosen)
    named = titles(visit.language, await visit.read(visit.reads.catalogue))
    following = None if found.next is None else urlencode({**query, "after": str(found.next)})
    return visit.show(
        "counted.html",
        account=account,
        items=[counted_entry(one) for one in found.items],
        following=following,
        total=total,
        days=figures.days(chosen.start, chosen.end, visit.language),
        query=urlencode(asked(chosen)),
        steps=_steps(query),
        named=named,
        say=Told(visit.language, named),
    )


def pages() -> list[Page]:
    """The pages of this module."""
    return [
        page("statistics", SEERS, f"GET {COMPANY}/statistics", show, nav=30),
        page("counted", SEERS, f"GET {COMPANY}/statistics/entries", entries),
    ]
