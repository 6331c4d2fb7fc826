"""What callers get of the statistics. Each line names what to ask for the entries behind its numbers."""

import datetime as dt

import msgspec

from kvota.wire.fields import Instant
from kvota.wire.replies import Reply


class Counted(Reply, frozen=True, kw_only=True):
    calls: int
    requests: int
    refunded: int
    written_off: int


class StatisticsLine(Reply, frozen=True, kw_only=True):
    """``name`` is a date, an hour (0 to 23), a tool, action, user or department; null for calls that named none.

    ``others``: it stands for so many together, those beyond ``limit``; then ``entries`` is null. ``entries`` is the
    query of ``GET …/statistics/entries``, and of ``GET …/statistics`` for this line alone.
    """

    name: str | int | None
    others: int
    calls: int
    requests: int
    refunded: int
    written_off: int
    before: Counted
    entries: dict[str, str] | None


class Declines(Reply, frozen=True, kw_only=True):
    """``before`` is the count of the days before."""

    reason: str
    tool: str
    count: int
    before: int


class Dates(Reply, frozen=True, kw_only=True):
    """Half-open."""

    start: dt.date = msgspec.field(name="from")
    end: dt.date = msgspec.field(name="to")


class Statistics(Reply, frozen=True, kw_only=True):
    """``previous`` are as many days before, which ``before`` counts. ``declines`` is null where they know no such key.

    ``days`` and ``hours`` are in order of time, the other lists by what was spent (``requests`` − ``refunded``).
    """

    company: str
    at: Instant
    time_zone: str
    chosen: Dates
    previous: Dates
    total: StatisticsLine
    days: list[StatisticsLine]
    hours: list[StatisticsLine]
    tools: list[StatisticsLine]
    actions: list[StatisticsLine]
    users: list[StatisticsLine]
    departments: list[StatisticsLine]
    declines: list[Declines] | None


class CountedEntry(Reply, frozen=True, kw_only=True):
    """What an entry adds to the statistics, and to whose: the call that began at ``since``."""

    seq: int
    at: Instant
    kind: str
    since: Instant
    tool: str
    action: str
    user: str | None
    department: str | None
    calls: int
    requests: int
    refunded: int
    written_off: int
