"""The ledger and the statistics."""

import datetime as dt
from collections.abc import Sequence
from typing import BinaryIO, Literal

from kvota.asks.ask import Ask, Pages, asked, company_path, date_or_moment, paged
from kvota.wire import insight, replies
from kvota.wire import statistics as figures
from kvota.wire.queries import By

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def entries(
    company: str,
    *,
    kind: str | None = None,
    user: str | None = None,
    action: str | None = None,
    start: dt.date | None = None,
    end: dt.date | None = None,
) -> Pages[replies.Entry]:
    """The ledger, entry by entry, from the first on.

    ``start`` and ``end`` are local dates or instants (aware datetimes), half-open.
    """
    return Pages(
        Ask(
            operation="list_entries",
            method="GET",
            **company_path(company, "/entries"),
            query={**_which(kind, user, action, start, end), **paged()},
            reply=replies.Page[replies.Entry],
        )
    )


def entries_csv(
    company: str,
    file: BinaryIO,
    *,
    kind: str | None = None,
    user: str | None = None,
    action: str | None = None,
    start: dt.date | None = None,
    end: dt.date | None = None,
) -> Ask[None]:
    """Write the ledger into ``file`` as CSV, piece by piece; the choice is that of ``entries``.

    ``file`` takes bytes. It is whole when the call returns; an exception means that it is not, or still empty.
    """
    return Ask(
        operation="entries_csv",
        method="GET",
        **company_path(company, "/entries.csv"),
        query=_which(kind, user, action, start, end),
        comes_as=CSV,
        into=file,
    )


def entries_xlsx(
    company: str,
    file: BinaryIO,
    *,
    kind: str | None = None,
    user: str | None = None,
    action: str | None = None,
    start: dt.date | None = None,
    end: dt.date | None = None,
) -> Ask[None]:
    """Write the ledger into ``file`` as a workbook, like ``entries_csv``; making a big one takes minutes."""
    return Ask(
        operation="entries_xlsx",
        method="GET",
        **company_path(company, "/entries.xlsx"),
        query=_which(kind, user, action, start, end),
        comes_as=XLSX,
        into=file,
    )


def _which(
    kind: str | None, user: str | None, action: str | None, start: dt.date | None, end: dt.date | None
) -> dict[str, str]:
    return asked(
        kind=kind, user=user, action=action, start=date_or_moment("start", start), end=date_or_moment("end", end)
    )


def usage(company: str, start: dt.date, end: dt.date, by: Sequence[By] = ("day",)) -> Ask[replies.UsageReport]:
    """Statistics of the local dates ``start <= date < end``, grouped by ``by``."""
    return Ask(
        operation="get_usage",
        method="GET",
        **company_path(company, "/usage"),
        query=asked(start=start.isoformat(), end=end.isoformat(), by=",".join(by)),
        reply=replies.UsageReport,
    )


def statistics(
    company: str,
    start: dt.date,
    end: dt.date,
    *,
    hour: int | None = None,
    tool: str | None = None,
    action: str | None = None,
    user: str | None = None,
    department: str | None = None,
    without: Sequence[Literal["user", "department"]] = (),
) -> Ask[figures.Statistics]:
    """Who used what and when on the local dates ``start <= date < end``, beside as many days before.

    ``hour``, ``tool`` … narrow it; ``without`` is for calls that named no user or department.
    """
    return Ask(
        operation="get_statistics",
        method="GET",
        **company_path(company, "/statistics"),
        query=_chosen(start, end, hour, without, tool=tool, action=action, user=user, department=department),
        reply=figures.Statistics,
    )


def counted(
    company: str,
    start: dt.date,
    end: dt.date,
    *,
    hour: int | None = None,
    tool: str | None = None,
    action: str | None = None,
    user: str | None = None,
    department: str | None = None,
    without: Sequence[Literal["user", "department"]] = (),
) -> Pages[figures.CountedEntry]:
    """The entries behind these statistics, by number, each with what it adds; an entry can come more than once."""
    query = _chosen(start, end, hour, without, tool=tool, action=action, user=user, department=department)
    return Pages(
        Ask(
            operation="list_counted",
            method="GET",
            **company_path(company, "/statistics/entries"),
            query={**query, **paged()},
            reply=replies.Page[figures.CountedEntry],
        )
    )


def _chosen(
    start: dt.date, end: dt.date, hour: int | None, without: Sequence[str], **columns: str | None
) -> dict[str, str]:
    return asked(
        start=start.isoformat(),
        end=end.isoformat(),
        hour=None if hour is None else str(hour),
        without=",".join(without) or None,
        **columns,
    )


def forecast(company: str) -> Ask[insight.Forecast]:
    """Whether the package, or the boosts, will last, when they run out, and the way out where nothing is left."""
    return Ask(operation="get_forecast", method="GET", **company_path(company, "/forecast"), reply=insight.Forecast)


def advice(company: str) -> Ask[insight.AdviceReport]:
    """What would have saved requests or money in the last 30 days, each with its amount, and what will."""
    return Ask(operation="get_advice", method="GET", **company_path(company, "/advice"), reply=insight.AdviceReport)
