"""What a query chooses, of the ledger and of the statistics: dates are those of the company's calendar."""

import datetime as dt
from typing import Literal

from msgspec import UNSET, UnsetType

from kvota.core.entries import KINDS
from kvota.core.periods import first_instant, milliseconds
from kvota.errors import Invalid
from kvota.insight.statistics import Choice
from kvota.store import EntryFilter
from kvota.wire.fields import parse_instant
from kvota.wire.queries import ExportQuery, StatisticsQuery

FIRST_YEAR, LAST_YEAR = 1970, 2099
WITHOUT = ("user", "department")


def names_dates(query: ExportQuery) -> bool:
    """Whether the zone of the company is needed for ``entry_filter``."""
    return query.start is not UNSET or query.end is not UNSET


def entry_filter(query: ExportQuery, zone: str) -> EntryFilter:
    """Which entries are asked for."""
    if query.kind is not UNSET and query.kind not in KINDS:
        raise Invalid.field("kind", f"must be one of {', '.join(KINDS)}", query.kind)
    which = EntryFilter(
        kind=query.kind or None,
        user=query.user or None,
        action=query.action or None,
        start=_moment("from", query.start, zone),
        end=_moment("to", query.end, zone),
    )
    if which.start is not None and which.end is not None and which.end <= which.start:
        raise Invalid.field("to", "must be after from", query.end)
    return which


def _moment(field: str, text: str | UnsetType, zone: str) -> int | None:
    """The instant of a parameter: a local date is its first one."""
    if text is UNSET:
        return None
    named = _date_or_none(text)
    if named is not None:
        return first_instant(zone, named)
    try:
        return milliseconds(parse_instant(text))
    except ValueError:
        raise Invalid.field(
            field, "must be a date such as 2026-11-01, or an instant of RFC 3339 with its offset", text
        ) from None


def _date_or_none(text: str) -> dt.date | None:
    try:
        found = dt.datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=dt.UTC).date()
    except ValueError:
        return None
    return found if found.isoformat() == text and FIRST_YEAR <= found.year <= LAST_YEAR else None


def date(field: str, text: str) -> dt.date:
    """The local date of a parameter."""
    found = _date_or_none(text)
    if found is None:
        raise Invalid.field(field, "must be a date such as 2026-11-01, in the years 1970 to 2099", text)
    return found


def choice(query: StatisticsQuery) -> Choice:
    """Which calls the statistics are asked about."""
    absent = () if query.without is UNSET else tuple(query.without.split(","))
    if not set(absent) <= set(WITHOUT) or len(set(absent)) != len(absent):
        raise Invalid.field("without", "must be user, department or both with a comma between them", query.without)
    return Choice(
        start=date("from", query.start),
        end=date("to", query.end),
        hour=None if query.hour is UNSET else query.hour,
        tool=query.tool or None,
        action=query.action or None,
        user=_named(query, "user", absent),
        department=_named(query, "department", absent),
    )


def _named(query: StatisticsQuery, column: Literal["user", "department"], absent: tuple[str, ...]) -> str | None:
    """What is asked of a column; '' for calls that named none."""
    value = getattr(query, column)
    if column not in absent:
        return value or None
    if value is not UNSET:
        raise Invalid.field(column, f"cannot be named together with without={column}", value)
    return ""
