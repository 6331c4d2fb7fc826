"""The ledger and the statistics."""

import datetime as dt
from collections.abc import Sequence

from kvota.asks.ask import Ask, Pages, asked, company_path, date_or_moment, paged
from kvota.wire import replies
from kvota.wire.queries import By


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
    which = asked(
        kind=kind, user=user, action=action, start=date_or_moment("start", start), end=date_or_moment("end", end)
    )
    return Pages(
        Ask(
            operation="list_entries",
            method="GET",
            **company_path(company, "/entries"),
            query={**which, **paged()},
            reply=replies.Page[replies.Entry],
        )
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
