"""Months, weeks and days of a time zone. The only file that knows time zones.

An instant is a whole number of milliseconds since the epoch, UTC. A span is half-open ``[start, end)``. A day is the
span from the first instant of its local date to the first instant of the next one, also where daylight saving removes
or repeats midnight; weeks begin on Monday. A period is known by ``year * 12 + month - 1``, which only ever grows.
"""

import datetime as dt
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
QUARTER = 15 * MINUTE
"""Every zone's offset is a multiple of it, so local hours and days are made of whole quarters of an hour."""

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MAX_INSTANT = 4_102_444_800_000
"""The year 2100: no instant that a caller may name lies beyond it."""


class Instant(dt.datetime):
    """An aware ``datetime`` in UTC that reads as RFC 3339 with milliseconds: ``2026-11-01T00:00:00.000Z``."""

    text: str
    """What it reads as, where ``instant`` made it: written once, however often it is asked for."""

    def __str__(self) -> str:
        return self.__dict__.get("text") or rfc3339(milliseconds(self))


class Span(NamedTuple):
    """Half-open ``[start, end)``."""

    start: int
    end: int


@lru_cache(maxsize=4096)
def rfc3339(at: int) -> str:
    """``2026-11-01T00:00:00.000Z``."""
    moment = EPOCH + dt.timedelta(milliseconds=at)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at % 1000:03d}Z"


@lru_cache(maxsize=4096)
def instant(at: int) -> Instant:
    """The same instant as an aware datetime."""
    moment = EPOCH + dt.timedelta(milliseconds=at)
    made = Instant(
        moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second, moment.microsecond, dt.UTC
    )
    made.text = rfc3339(at)
    return made


def milliseconds(moment: dt.datetime) -> int:
    """Milliseconds since the epoch of an aware datetime; what is finer is cut off."""
    return (moment - EPOCH) // dt.timedelta(milliseconds=1)


def is_time_zone(name: str) -> bool:
    """Whether ``name`` is an IANA zone, spelled as IANA spells it."""
    return name in _zone_names()


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones()) - {"localtime", "Factory"}


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _local(zone: str, at: int) -> dt.datetime:
    return (EPOCH + dt.timedelta(milliseconds=at)).astimezone(_zone(zone))


@lru_cache(maxsize=65536)
def first_instant(zone: str, date: dt.date) -> int:
    """The first instant of a local date; where the zone skips the date altogether, of what follows it.

    Of a repeated midnight ``fold=0`` is the first. A removed one is reckoned with the offset before the change, which
    is the change itself: since 1970 every change that removes a midnight begins at it.
    """
    return milliseconds(dt.datetime(date.year, date.month, date.day, tzinfo=_zone(zone)).astimezone(dt.UTC))


def day(zone: str, at: int) -> Span:
    """The local day that contains ``at``."""
    return _day_of(zone, quarter(at))


@lru_cache(maxsize=65536)
def _day_of(zone: str, at: int) -> Span:
    """The local day of a quarter of an hour."""
    date = _date_of(zone, at)
    return Span(first_instant(zone, date), first_instant(zone, date + dt.timedelta(days=1)))


@lru_cache(maxsize=65536)
def _date_of(zone: str, at: int) -> dt.date:
    """The local date of a quarter of an hour; no date begins or ends within one."""
    date = _local(zone, at).date()
    while at >= first_instant(zone, date + dt.timedelta(days=1)):
        date += dt.timedelta(days=1)
    while at < first_instant(zone, date):
        date -= dt.timedelta(days=1)
    return date


def date_on(zone: str, at: int) -> str:
    """The local date of ``at``: ``2026-11-22``."""
    return _date_of(zone, quarter(at)).isoformat()


def week(zone: str, at: int) -> Span:
    """The local week, from Monday, that contains ``at``."""
    date = _date_of(zone, quarter(at))
    monday = date - dt.timedelta(days=date.weekday())
    return Span(first_instant(zone, monday), first_instant(zone, monday + dt.timedelta(days=7)))


def month_of(zone: str, at: int) -> int:
    """The number of the local calendar month that contains ``at``."""
    date = _date_of(zone, quarter(at))
    return date.year * 12 + date.month - 1


@lru_cache(maxsize=16384)
def month(zone: str, number: int) -> Span:
    """A calendar month of a zone."""
    return Span(
        first_instant(zone, dt.date(number // 12, number % 12 + 1, 1)),
        first_instant(zone, dt.date((number + 1) // 12, (number + 1) % 12 + 1, 1)),
    )


@lru_cache(maxsize=1024)
def month_name(number: int) -> str:
    """``2026-11``."""
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def period_end(number: int, zone: str, next_zone: str | None) -> int:
    """When the period ends; with a new zone waiting, not before the next month has begun in that zone too."""
    end = month(zone, number).end
    return end if next_zone is None else max(end, month(next_zone, number + 1).start)


def quarter(at: int) -> int:
    """The start of the quarter of an hour that contains ``at``."""
    return at - at % QUARTER


def next_quarter(at: int) -> int:
    """``at``, or where it is none, the next start of a quarter of an hour."""
    return quarter(at + QUARTER - 1)


def hour_start(zone: str, at: int) -> int:
    """The instant at which the local hour of ``at`` begins."""
    offset = _local(zone, at).utcoffset() or dt.timedelta()
    shift = offset // dt.timedelta(milliseconds=1)
    return at - (at + shift) % HOUR


def hours_of(zone: str, whole: Span) -> list[tuple[int, Span]]:
    """Each local hour of a local day with its number: a repeated one comes twice, a removed one never."""
    hours: list[tuple[int, Span]] = []
    at = whole.start
    while at < whole.end:
        end = min(whole.end, hour_start(zone, at) + HOUR)
        hours.append((_local(zone, at).hour, Span(at, end)))
        at = end
    return hours


def days_between(zone: str, start: dt.date, end: dt.date) -> list[tuple[str, Span]]:
    """Each local date from ``start`` to ``end`` exclusive, with its span."""
    dates = (start + dt.timedelta(days=n) for n in range((end - start).days))
    return [(d.isoformat(), Span(first_instant(zone, d), first_instant(zone, d + dt.timedelta(days=1)))) for d in dates]
