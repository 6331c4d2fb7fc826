"""Statistics over local dates, as values."""

import datetime as dt
from collections.abc import Sequence

import msgspec

from kvota.core.periods import Span, days_between, hour_start, hours_of


class UsageLine(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a usage report; ``keys`` in the order of ``by``: an ``hour`` is an instant, a ``day`` a local date."""

    keys: tuple[str | int | None, ...]
    calls: int
    requests: int
    refunded: int
    written_off: int


class UsageReport(msgspec.Struct, frozen=True, kw_only=True):
    """Statistics over local dates. ``declines`` are (reason, tool, count)."""

    by: tuple[str, ...]
    rows: list[UsageLine]
    total: UsageLine
    declines: list[tuple[str, str, int]]


def line_of(keys: tuple[str | int | None, ...], rows: Sequence[object]) -> UsageLine:
    """The sums of some rows of the statistics, under these keys."""
    sums = {name: sum(getattr(row, name) for row in rows) for name in ("calls", "requests", "refunded", "written_off")}
    return UsageLine(keys=keys, **sums)


def spans_of(
    zone: str, start: dt.date, end: dt.date, by: Sequence[str]
) -> tuple[list[dict[str, str | int | None]], list[Span]]:
    """The spans that the statistics are summed over, and what each is called."""
    days = days_between(zone, start, end)
    if "hour" in by:
        hours = [(date, span) for date, whole in days for _, span in hours_of(zone, whole)]
        return [{"day": date, "hour": hour_start(zone, span.start)} for date, span in hours], [s for _, s in hours]
    if "day" in by:
        return [{"day": date} for date, _ in days], [span for _, span in days]
    return [{}], [Span(days[0][1].start, days[-1][1].end)]
