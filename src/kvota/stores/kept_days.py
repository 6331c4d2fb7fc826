"""The sums of days that a process keeps: a month of a large company need not be summed anew for each page.

Statistics only ever grow, and whatever adds to a row of a day adds to the day's totals. So what is kept of a day is
exact as long as its totals are the same, and these are read each time; which is cheap, for they need no keys. Only who
puts other rows in a store's place, from a backup or by making them again, is noticed late: nothing is kept for long.

The totals themselves are kept as long as no entry was written; after that, those that lie further back than a hold can
live, as long as nothing was refunded.
"""

import threading
import time
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Mapping
from typing import NamedTuple

from kvota.core.account import Counts
from kvota.core.periods import DAY, Span, quarter
from kvota.stores.roll_ups import Sums

MOST_ROWS = 60_000
"""Some 15 MB: three months of about ten companies with twenty people each."""
LONGEST = 600.0
"""Seconds."""
MOST_WALKS, MOST_QUARTERS = 16, 12_000
MOST_ASKED = 20_000
"""So many rows in one question are summed sooner by the database: then nothing is kept of that company."""

Which = tuple[str, *tuple[tuple[str, str], ...]]
"""A company, and the columns that its statistics are restricted to."""
Keys = tuple[str, str, str, str]
Day = Mapping[Keys, Sums]


class _Kept(NamedTuple):
    since: float
    totals: Sums
    rows: Day


class Walk(NamedTuple):
    """The totals of the quarters of an hour in a span, after entry ``seq`` of ``at``; ``since``: when any was read."""

    since: float
    seq: int
    at: int
    span: Span
    quarters: list[tuple[int, Counts]]

    def within(self, span: Span) -> list[tuple[int, Counts]]:
        """The totals of a part of it."""
        return self.quarters[bisect_left(self.quarters, (span.start,)) : bisect_left(self.quarters, (span.end,))]

    @property
    def rank(self) -> tuple[int, int]:
        """The greater, the more it tells."""
        return self.seq, self.span.end - self.span.start

    @property
    def settled(self) -> "Walk":
        """Only those that nothing but a refund can change any more."""
        start, end = self.span
        span = Span(start, max(start, min(end, quarter(self.at - DAY))))
        return self._replace(span=span, quarters=self.within(span))


class KeptDays:
    """By company and span; those that were not asked for the longest time are forgotten. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._days: OrderedDict[tuple[str, Span], _Kept] = OrderedDict()
        self._rows = 0
        self._wide: set[str] = set()
        self._walks: OrderedDict[Which, Walk] = OrderedDict()

    def is_wide(self, company: str) -> bool:
        """Whether the company has more rows in a day than are worth keeping."""
        return company in self._wide

    def get(self, company: str, span: Span, totals: Sums) -> Day | None:
        """The rows of a span, if they are kept and it still has these totals."""
        with self._lock:
            found = self._days.get((company, span))
            if found is None or found.totals != totals or found.since < time.monotonic() - LONGEST:
                return None
            self._days.move_to_end((company, span))
            return found.rows

    def keep(self, company: str, span: Span, totals: Sums, rows: Day) -> None:
        """Keep the rows of a span for as long as it has these totals."""
        with self._lock:
            if (before := self._days.pop((company, span), None)) is not None:
                self._rows -= len(before.rows)
            self._days[company, span] = _Kept(time.monotonic(), totals, rows)
            self._rows += len(rows)
            while self._rows > MOST_ROWS:
                _, oldest = self._days.popitem(last=False)
                self._rows -= len(oldest.rows)

    def walk(self, key: Which) -> Walk | None:
        """The totals that were kept last."""
        found = self._walks.get(key)
        return None if found is None or found.since < time.monotonic() - LONGEST else found

    def keep_walk(self, key: Which, walk: Walk) -> None:
        """Keep totals, unless there are newer ones, or more."""
        before = self.walk(key)
        if len(walk.quarters) > MOST_QUARTERS or (before is not None and before.rank >= walk.rank):
            return
        with self._lock:
            self._walks[key] = walk
            self._walks.move_to_end(key)
            if len(self._walks) > MOST_WALKS:
                self._walks.popitem(last=False)

    def give_up(self, company: str) -> None:
        """Keep nothing of that company any more."""
        self._wide.add(company)


def pieces_of(span: Span) -> list[Span]:
    """The span in days of 24 hours, so that spans that begin at the same time of day share them; a last one is rest."""
    return [Span(start, min(start + DAY, span.end)) for start in range(span.start, span.end, DAY)]
