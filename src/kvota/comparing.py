"""The rows that a store keeps beside a ledger, against those that its entries give.

Open holds, boosts, caps and standing shared stages at the end, everything else on the way, so that memory does not grow
with the ledger.
A hold that has ended and a quarter of an hour that is long over are compared once and forgotten: nothing but a refund
changes either of them any more.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar, cast

import msgspec

from kvota.core.account import Hold, SpendingKey, SpendingKind, StatisticsKey
from kvota.core.entries import Captured, Charged, Ended, Entry, Held, Refunded, entry_number
from kvota.core.periods import DAY, quarter
from kvota.core.state import State, spending_floor
from kvota.store import EntryFilter, Snapshot, Want

K = TypeVar("K")
PAGE = 1000
WEEK = 7 * DAY
MANY = 5000
BEGINNING, END = -(2**62), 2**62

Find = Callable[[int | None, str, str], None]
"""Told of each row or field that does not agree: the entry (None: none in particular), the field, and how."""


def compare(find: Find, table: str, stored: Mapping[K, object], told: Mapping[K, object]) -> None:
    """Find the rows that are missing, those that no entry made, and each field that differs."""
    for key in sorted({*stored, *told}, key=repr):
        one, other = stored.get(key), told.get(key)
        if one is None or other is None:
            missing = "the row is missing" if one is None else "no entry made this row"
            find(_seq_of(other or one), f"{table}[{name_of(key)}]", missing)
        elif one != other:
            for field in _fields(one):
                if (left := getattr(one, field)) != (right := getattr(other, field)):
                    where = f"{table}[{name_of(key)}].{field}"
                    find(_seq_of(other), where, f"the row says {left!r}, the entries give {right!r}")


def name_of(key: object) -> str:
    """A key, as findings show it."""
    return "/".join(map(str, cast("tuple[object, ...]", key))) if isinstance(key, tuple) else str(key)


def _fields(row: object) -> tuple[str, ...]:
    return type(row).__struct_fields__ if isinstance(row, msgspec.Struct) else ()


def _seq_of(row: object) -> int | None:
    entry = getattr(row, "entry", None)
    return entry if isinstance(entry, int) else None


class Holds:
    """The holds, each as soon as it has ended."""

    def __init__(self, view: Snapshot, company: str, find: Find) -> None:
        self._view, self._company, self._find = view, company, find
        self._found = 0

    def settle(self, state: State) -> None:
        """Compare the holds that have ended since it was asked before."""
        changed = [state.holds[name] for name in sorted(state.changes.holds)]
        self._compare([hold for hold in changed if hold.status != "open"])

    def end(self, state: State) -> None:
        """Compare those that are open still; then there must be no others."""
        self._compare(list(state.holds.values()))
        if self._view.count_holds(self._company) != self._found:
            self._look_for_strangers()

    def _compare(self, told: list[Hold]) -> None:
        for first in range(0, len(told), PAGE):
            part = {hold.id: hold for hold in told[first : first + PAGE]}
            rows = self._view.load(Want(holds=[(self._company, name) for name in part])).holds
            self._found += len(rows)
            compare(self._find, "holds", {row.id: row for row in rows}, part)

    def _look_for_strangers(self) -> None:
        after = ""
        while page := self._view.holds(self._company, None, after, PAGE):
            for hold in page:
                number = entry_number(hold.id, "hld")
                made = [] if number is None else self._view.entries(self._company, EntryFilter(), number - 1, 1)
                if not made or made[0].entry.seq != number or not isinstance(made[0].entry.fact, Held):
                    self._find(None, f"holds[{hold.id}]", "no entry made this row")
            after = page[-1].id


class Statistics:
    """The statistics, by spans of quarters that are long over. Refunds come later: they are awaited."""

    def __init__(self, view: Snapshot, company: str, find: Find) -> None:
        self._view, self._company, self._find = view, company, find
        self._settled = BEGINNING
        self._awaited: dict[StatisticsKey, int] = {}

    def settle(self, state: State, *, is_end: bool = False) -> None:
        """Compare what lies behind the longest life of a hold, and take it out of the state; at the end everything."""
        told = state.changes.statistics
        until = END if is_end else quarter(state.known.at - DAY)
        if not is_end and (len(told) < MANY or until <= self._settled):
            return
        span = {key: counts for key, counts in told.items() if self._settled <= key.quarter < until}
        late = {key: counts for key, counts in told.items() if key.quarter < self._settled}
        state.changes.statistics = {key: counts for key, counts in told.items() if key.quarter >= until}
        for key, counts in late.items():
            self._await(key, -counts.refunded)
            if counts.calls or counts.requests or counts.written_off:
                self._find(None, f"statistics[{name_of(key)}]", f"a call came a day late: {counts}")
        stored = dict(self._view.all_statistics(self._company, self._settled, until))
        for key, counts in stored.items():
            if key in span:
                self._await(key, counts.refunded - span[key].refunded)
                span[key].refunded = counts.refunded
        compare(self._find, "statistics", stored, span)
        self._settled = until
        if is_end:
            self._find_what_never_came()

    def _await(self, key: StatisticsKey, refunded: int) -> None:
        rest = self._awaited.get(key, 0) + refunded
        if rest:
            self._awaited[key] = rest
        else:
            self._awaited.pop(key, None)

    def _find_what_never_came(self) -> None:
        for key, rest in sorted(self._awaited.items()):
            more = f"{rest} more than" if rest > 0 else f"{-rest} less than"
            self._find(None, f"statistics[{name_of(key)}].refunded", f"the row says {more} the entries give")


class Spent:
    """What caps count, by quarters of an hour: exact under any cut at midnights."""

    def __init__(self) -> None:
        self._quarters: dict[SpendingKey, int] = {}

    def take(self, entry: Entry, state: State) -> None:
        """Count an entry that has been carried out."""
        fact = entry.fact
        if isinstance(fact, Charged):
            self._add(fact.user, fact.department, fact.tool, fact.since, fact.cost)
        elif isinstance(fact, Held):
            self._add(fact.user, fact.department, fact.tool, fact.since, fact.held)
        elif isinstance(fact, Captured):
            self._add(fact.user, fact.department, fact.tool, fact.since, fact.cost - fact.held)
        elif isinstance(fact, Ended):
            self._add(fact.user, fact.department, fact.tool, fact.since, -fact.held)
        elif isinstance(fact, Refunded):
            self._add(fact.user, fact.department, fact.tool, fact.since, -fact.own)
            for freed in fact.freed:
                row = state.stages[fact.subject or "", freed.stage]
                self._add(row.user, row.department, row.tool, row.at, -freed.amount)

    def _add(self, user: str | None, department: str | None, tool: str, at: int, amount: int) -> None:
        names: tuple[tuple[SpendingKind, str | None], ...] = (
            ("user", user),
            ("department", department),
            ("tool", tool),
        )
        for kind, name in names:
            if name is not None:
                key = SpendingKey(kind, name, quarter(at))
                self._quarters[key] = self._quarters.get(key, 0) + amount

    def settle(self, state: State) -> None:
        """Forget what no cap will ask for: a week more than the longest window, whatever the zones."""
        if len(self._quarters) > MANY:
            floor = spending_floor(state.known) - WEEK
            self._quarters = {key: amount for key, amount in self._quarters.items() if key.since >= floor}

    def since(self, floor: int) -> Iterable[tuple[SpendingKey, int]]:
        """The quarters from ``floor`` on."""
        return [(key, amount) for key, amount in self._quarters.items() if key.since >= floor]
