"""Who used what, and when, beside as many days before: from the roll-ups alone, whatever the ledger's length."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from kvota.core.account import Counts
from kvota.core.catalogue import Value
from kvota.core.periods import Span, days_between, hours_of
from kvota.errors import Invalid
from kvota.reads import Look, Reads
from kvota.store import UsageFilter, UsageRow

MAX_DAYS = 366
Name = str | int | None
Column = Literal["tool", "action", "user", "department"]
COLUMNS: tuple[Column, ...] = ("tool", "action", "user", "department")


class Choice(Value, frozen=True, kw_only=True):
    """Which calls: those that began on the local dates ``start <= date < end``, in a local ``hour`` if one is named.

    ``user`` and ``department`` are '' for calls that named none.
    """

    start: dt.date
    end: dt.date
    hour: int | None = None
    tool: str | None = None
    action: str | None = None
    user: str | None = None
    department: str | None = None

    @property
    def columns(self) -> UsageFilter:
        """What is chosen beside the time."""
        return UsageFilter(tool=self.tool, action=self.action, user=self.user, department=self.department)


class Sums(Value, frozen=True, kw_only=True):
    """As the statistics count: a captured hold and a refund belong to the moment in which the call began."""

    calls: int = 0
    requests: int = 0
    refunded: int = 0
    written_off: int = 0

    @property
    def spent(self) -> int:
        """What was not given back."""
        return self.requests - self.refunded


class Line(Value, frozen=True, kw_only=True):
    """The sums of one day, hour, tool …, and of the days before. ``others``: it stands for so many together."""

    name: Name = None
    others: int = 0
    now: Sums = Sums()
    before: Sums = Sums()


class DeclinedLine(Value, frozen=True, kw_only=True):
    """Calls that were declined, by reason and tool."""

    reason: str
    tool: str
    count: int
    before: int


class Statistics(Value, frozen=True, kw_only=True):
    """What was chosen, beside the days from ``before`` to ``chosen.start``.

    ``days`` and ``hours`` are in order of time, those without use too; the others by what they spent. ``declines`` is
    None where what was chosen is not counted for them: they know no action, department or hour.
    """

    company: str
    at: int
    time_zone: str
    chosen: Choice
    before: dt.date
    total: Line
    days: tuple[Line, ...]
    hours: tuple[Line, ...]
    tools: tuple[Line, ...]
    actions: tuple[Line, ...]
    users: tuple[Line, ...]
    departments: tuple[Line, ...]
    declines: tuple[DeclinedLine, ...] | None


class Piece(NamedTuple):
    """A stretch of time that is summed for itself: ``half`` is 0 for what was chosen, 1 for the days before."""

    half: int
    day: int
    hour: int
    span: Span


def statistics(reads: Reads, company: str, chosen: Choice, limit: int = 100) -> Statistics:
    """The statistics of what was chosen; users and departments beyond ``limit`` stand in one line together."""
    days = number_of_days(chosen)
    with reads.look(company, is_complete=False) as look:
        zone = look.state.known.time_zone
        before = chosen.start - dt.timedelta(days=days)
        pieces = [*_pieces(zone, 0, chosen.start, days, chosen.hour), *_pieces(zone, 1, before, days, chosen.hour)]
        by_time = list(_by_time(look, pieces, chosen))
        wide = pieces if chosen.hour is not None else _halves(pieces)
        by_column = [(wide[row.span], row) for row in _sums(look, wide, COLUMNS, chosen)]
        return Statistics(
            company=company,
            at=look.now,
            time_zone=zone,
            chosen=chosen,
            before=before,
            total=_line(None, [(piece.half, row) for piece, row in by_time]),
            days=tuple(_in_order([(p.day, p.half, row) for p, row in by_time], _dates(chosen))),
            hours=tuple(_in_order([(p.hour, p.half, row) for p, row in by_time], list(range(24)))),
            tools=_by_spent("tool", by_column, limit),
            actions=_by_spent("action", by_column, limit),
            users=_by_spent("user", by_column, limit),
            departments=_by_spent("department", by_column, limit),
            declines=_declines(look, chosen, before),
        )


def total(reads: Reads, company: str, chosen: Choice) -> Sums:
    """The sums of what was chosen, and nothing else."""
    with reads.look(company, is_complete=False) as look:
        days, zone = number_of_days(chosen), look.state.known.time_zone
        pieces = list(_pieces(zone, 0, chosen.start, days, chosen.hour))
        return _line(None, [(0, counts) for _, counts in _by_time(look, pieces, chosen)]).now


def number_of_days(chosen: Choice) -> int:
    """How many days are chosen: 1 to 366."""
    days = (chosen.end - chosen.start).days
    if days <= 0:
        raise Invalid.field("to", f"must be after from ({chosen.start.isoformat()})", chosen.end.isoformat())
    if days > MAX_DAYS:
        raise Invalid.field("to", f"must be at most {MAX_DAYS} days after from", chosen.end.isoformat())
    return days


def pieces_of(zone: str, chosen: Choice) -> list[Span]:
    """The stretches of time that are chosen, in order."""
    days = number_of_days(chosen)
    found = list(_pieces(zone, 0, chosen.start, days, chosen.hour))
    return [piece.span for piece in (found if chosen.hour is not None else _halves(found))]


def _pieces(zone: str, half: int, start: dt.date, days: int, hour: int | None) -> Iterable[Piece]:
    for day, (_, whole) in enumerate(days_between(zone, start, start + dt.timedelta(days=days))):
        for number, span in hours_of(zone, whole):
            if hour is None or hour == number:
                yield Piece(half, day, number, span)


def _halves(pieces: Sequence[Piece]) -> list[Piece]:
    """The same time in as few stretches as can be."""
    halves = [[piece.span for piece in pieces if piece.half == half] for half in (0, 1)]
    return [Piece(n, 0, 0, Span(spans[0].start, spans[-1].end)) for n, spans in enumerate(halves) if spans]


def _sums(look: Look, pieces: Sequence[Piece], by: Sequence[Column], chosen: Choice) -> list[UsageRow]:
    return look.view.usage(look.state.company, [piece.span for piece in pieces], by, chosen.columns)


def _by_time(look: Look, pieces: Sequence[Piece], chosen: Choice) -> Iterable[tuple[Piece, Counts]]:
    """What each stretch of an hour has used; quarters of an hour are read, in the order of time."""
    ordered = sorted(pieces, key=lambda piece: piece.span.start)
    if not ordered:
        return
    whole = Span(ordered[0].span.start, ordered[-1].span.end)
    place = 0
    for quarter, counts in look.view.quarters(look.state.company, whole, chosen.columns):
        while ordered[place].span.end <= quarter:
            place += 1
        if ordered[place].span.start <= quarter:
            yield ordered[place], counts


def _line(name: Name, rows: Iterable[tuple[int, UsageRow]] | Iterable[tuple[int, Counts]], others: int = 0) -> Line:
    halves = [[0, 0, 0, 0], [0, 0, 0, 0]]
    for half, row in rows:
        sums = halves[half]
        sums[0] += row.calls
        sums[1] += row.requests
        sums[2] += row.refunded
        sums[3] += row.written_off
    now, before = (Sums(calls=c, requests=r, refunded=b, written_off=w) for c, r, b, w in halves)
    return Line(name=name, others=others, now=now, before=before)


def _dates(chosen: Choice) -> list[str]:
    return [(chosen.start + dt.timedelta(days=n)).isoformat() for n in range((chosen.end - chosen.start).days)]


def _in_order(rows: Sequence[tuple[int, int, Counts]], names: Sequence[str] | Sequence[int]) -> Iterable[Line]:
    """A line for each name; rows are told by its place."""
    found: list[list[tuple[int, Counts]]] = [[] for _ in names]
    for place, half, row in rows:
        found[place].append((half, row))
    return (_line(name, of_it) for name, of_it in zip(names, found, strict=True))


def _by_spent(column: Column, rows: Sequence[tuple[Piece, UsageRow]], limit: int) -> tuple[Line, ...]:
    """A line for each value of a column: who spent most comes first, then who did before, then by name."""
    found: dict[str, list[tuple[int, UsageRow]]] = {}
    for piece, row in rows:
        found.setdefault(getattr(row, column), []).append((piece.half, row))
    lines = sorted(
        (_line(name or None, of_it) for name, of_it in found.items()),
        key=lambda line: (-line.now.spent, -line.before.spent, str(line.name or "")),
    )
    rest = [line.name for line in lines[limit:]]
    together = [pair for name in rest for pair in found[str(name or "")]]
    return (*lines[:limit], *([_line(None, together, len(rest))] if rest else ()))


def _declines(look: Look, chosen: Choice, before: dt.date) -> tuple[DeclinedLine, ...] | None:
    if (chosen.hour, chosen.action, chosen.department) != (None, None, None):
        return None
    found: dict[tuple[str, str], list[int]] = {}
    for half, (first, after) in enumerate(((chosen.start, chosen.end), (before, chosen.start))):
        for reason, tool, count in look.view.declines(
            look.state.company, first.isoformat(), after.isoformat(), chosen.user
        ):
            if chosen.tool in (None, tool):
                found.setdefault((reason, tool), [0, 0])[half] += count
    lines = [
        DeclinedLine(reason=reason, tool=tool, count=now, before=was) for (reason, tool), (now, was) in found.items()
    ]
    return tuple(sorted(lines, key=lambda line: (-line.count, -line.before, line.reason, line.tool)))
