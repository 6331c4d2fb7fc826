"""From a trace file to calls: what its rows say, and the rule by which they are spread over companies and users.

A trace tells when somebody asked an assistant, and perhaps how many tokens that took; it need not tell who asked for
what. What it does not tell is drawn from a generator of its own for each question (company, user, action), seeded with
``seed``: so the same options give the same calls, and another number of users moves no call to another company.
"""

import csv
import datetime as dt
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Literal, NamedTuple

from kvota.core.periods import milliseconds
from kvota.errors import Invalid

_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d+))?\s*(?:(Z|UTC)|([+-]\d\d):?(\d\d))?", re.ASCII | re.IGNORECASE
)
_ID = re.compile(r"[A-Za-z0-9._:@-]{1,64}")
MAX_MEASURE = 10**15


class Columns(NamedTuple):
    """Which columns of the file tell what; ``measures`` are (name of the measure, column)."""

    time: str
    measures: Sequence[tuple[str, str]] = ()
    user: str | None = None
    action: str | None = None


class Row(NamedTuple):
    """One row of a trace: ``at`` in milliseconds, rounded down; None for what the file does not tell."""

    at: int
    measures: dict[str, int]
    user: str | None
    action: str | None


class Call(NamedTuple):
    """One call to make. ``at`` is the trace's instant, which only a replay on the trace's clock keeps."""

    number: int
    at: int
    company: str
    user: str | None
    action: str
    quantities: Mapping[str, int]
    measures: Mapping[str, int]
    key: str | None = None


class Spread(NamedTuple):
    """How rows become calls.

    ``evenly``: call ``i`` goes to company ``i mod companies``. ``zipf``: the company of rank ``k`` is drawn with a
    probability proportional to ``1 / k ** exponent``. Users are drawn uniformly, actions by their weights. The trace is
    repeated ``repeat`` times, each time ``shift`` milliseconds later, and the calls are in the order of their instants.
    """

    companies: int = 1
    prefix: str = "replay-"
    rule: Literal["evenly", "zipf"] = "evenly"
    exponent: float = 1.1
    users: int = 0
    actions: Mapping[str, float] = {}
    quantities: Mapping[str, int] = {}
    repeat: int = 1
    shift: int = 0
    seed: int = 0
    keys: bool = False

    def names(self) -> list[str]:
        """The ids of the companies."""
        width = len(str(self.companies))
        return [f"{self.prefix}{number:0{width}d}" for number in range(1, self.companies + 1)]


def read_trace(path: Path, columns: Columns) -> list[Row]:
    """The rows of a CSV file with a header. ``Invalid`` names the line and what would be right."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(_rows(csv.reader(file), columns))
    except OSError as error:
        raise Invalid.field("file", f"{path} cannot be read: {error.strerror}", str(path)) from error
    except UnicodeDecodeError as error:
        raise Invalid.field("file", f"{path} is not UTF-8", str(path)) from error
    except csv.Error as error:
        raise Invalid.field("file", f"{path} is no CSV: {error}", str(path)) from error


def _rows(lines: Iterator[list[str]], columns: Columns) -> Iterator[Row]:
    header = next(lines, None)
    if header is None:
        raise Invalid("The file is empty; a header line with the names of the columns is needed.")

    def place(name: str) -> int:
        if name not in header:
            raise Invalid.field("column", f"there is no column {name!r}; the file has {', '.join(header)}", name)
        return header.index(name)

    time = place(columns.time)
    measures = [(name, place(column)) for name, column in columns.measures]
    user = None if columns.user is None else place(columns.user)
    action = None if columns.action is None else place(columns.action)
    for number, line in enumerate(lines, 2):
        if not line:
            continue
        if len(line) != len(header):
            raise Invalid(f"Line {number} has {len(line)} columns, the header {len(header)}.")
        yield Row(
            at=_at(line[time], number),
            measures={name: _measure(line[where], name, number) for name, where in measures},
            user=None if user is None else _id(line[user], "user", number),
            action=None if action is None else _id(line[action], "action", number),
        )


def _at(text: str, line: int) -> int:
    found = _INSTANT.fullmatch(text.strip())
    refusal = Invalid.field(f"line {line}", "an instant such as 2026-11-22 09:30:00.123 is needed", text)
    if found is None:
        raise refusal
    date, time, fraction, _, hours, minutes = found.groups()
    try:
        moment = dt.datetime.fromisoformat(f"{date}T{time}+00:00")
    except ValueError:
        raise refusal from None
    at = milliseconds(moment) + int((fraction or "0").ljust(3, "0")[:3])
    if hours is None:
        return at
    offset = int(hours[1:]) * 60 + int(minutes)
    return at - (offset if hours[0] == "+" else -offset) * 60_000


def _measure(text: str, name: str, line: int) -> int:
    if not re.fullmatch(r"\d{1,16}", text.strip(), re.ASCII) or int(text) > MAX_MEASURE:
        raise Invalid.field(f"line {line}", f"{name} must be a whole number, 0 to 10^15", text)
    return int(text)


def _id(text: str, what: str, line: int) -> str | None:
    if text and not _ID.fullmatch(text):
        raise Invalid.field(f"line {line}", f"a {what} is 1 to 64 of A-Z a-z 0-9 . _ : @ -", text)
    return text or None


def spread(rows: Sequence[Row], how: Spread, quantities_of: Callable[[str], Iterable[str]]) -> list[Call]:
    """The calls of a replay, in the order of their instants.

    ``quantities_of`` tells which quantities the rule of an action reads: of ``how.quantities`` only those are sent.
    """
    company = _companies(how)
    users = _drawing(f"{how.seed}/user", [f"user-{number}" for number in range(1, how.users + 1)])
    actions = _drawing(f"{how.seed}/action", list(how.actions), list(how.actions.values()))
    wanted: dict[str, dict[str, int]] = {}
    repeated = ((row.at + turn * how.shift, row) for turn in range(how.repeat) for row in rows)
    calls: list[Call] = []
    for number, (at, row) in enumerate(sorted(repeated, key=lambda item: item[0]), 1):
        drawn_user, drawn_action = users(), actions()
        action = row.action or drawn_action
        if action is None:
            raise Invalid("A row has no action: name some with --actions.")
        if action not in wanted:
            names = set(quantities_of(action))
            wanted[action] = {name: n for name, n in how.quantities.items() if name in names}
        calls.append(
            Call(
                number=number,
                at=at,
                company=company(),
                user=row.user or drawn_user,
                action=action,
                quantities=wanted[action],
                measures=row.measures,
                key=f"replay-{how.seed}-{number}" if how.keys else None,
            )
        )
    return calls


def _companies(how: Spread) -> Callable[[], str]:
    names = how.names()
    if how.rule == "evenly":
        turn = iter(range(how.repeat * 10**9))
        return lambda: names[next(turn) % len(names)]
    draw = _drawing(f"{how.seed}/company", names, [1 / rank**how.exponent for rank in range(1, len(names) + 1)])
    return lambda: draw() or names[0]


def _drawing(seed: str, names: list[str], weights: list[float] | None = None) -> Callable[[], str | None]:
    if not names:
        return lambda: None
    generator = random.Random(seed)  # noqa: S311 - a stated seed is the point
    sums = None if weights is None else list(accumulate(weights))
    return lambda: generator.choices(names, cum_weights=sums)[0]
