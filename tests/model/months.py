"""The calendar of the reference: local dates and the instants at which they begin, found by looking at every minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from tests.model.records import Month

MINUTE, HOUR = 60_000, 3_600_000
QUARTER = 15 * MINUTE


def local_date(at: int, zone: str) -> date:
    """The latest date that has begun in the zone (3)."""
    day = datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).date()
    return day + timedelta(days=1) if first_instant(day + timedelta(days=1), zone) <= at else day


@cache
def first_instant(day: date, zone: str) -> int:
    """The first minute whose local date is `day` or later, by looking at all of them."""
    at = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000 - 16 * HOUR
    while datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).date() < day:
        at += MINUTE
    return at


def following(month: Month) -> Month:
    return (month[0], month[1] + 1) if month[1] < 12 else (month[0] + 1, 1)
