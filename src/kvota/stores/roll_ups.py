"""How the roll-ups are summed: the statements, and what both databases need to put them together."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import accumulate
from operator import sub

from kvota.core.account import Counts
from kvota.core.periods import Span
from kvota.store import UsageFilter
from kvota.stores.dialect import Lookup

KEYS = ("tool", "action", "user", "department")
Sums = tuple[int, int, int, int]
FEW = 3
"""So many spans are worth a statement each."""
USAGE = Lookup(
    "CAST(w.value->>0 AS bigint) AS span, {keys}, CAST(sum(t.calls) AS bigint), CAST(sum(t.requests) AS bigint), "
    "CAST(sum(t.refunded) AS bigint), CAST(sum(t.written_off) AS bigint)",
    "statistics",
    "t.company = ? AND t.quarter >= CAST(w.value->>1 AS bigint) AND t.quarter < CAST(w.value->>2 AS bigint)",
)
SPAN_USAGE = """
SELECT {keys}, CAST(sum(t.calls) AS bigint), CAST(sum(t.requests) AS bigint), CAST(sum(t.refunded) AS bigint),
       CAST(sum(t.written_off) AS bigint)
FROM statistics t WHERE t.company = ? AND t.quarter >= ? AND t.quarter < ? {conditions} {group} HAVING count(*) > 0
"""
QUARTERS = """
SELECT t.quarter, CAST(sum(t.calls) AS bigint), CAST(sum(t.requests) AS bigint), CAST(sum(t.refunded) AS bigint),
       CAST(sum(t.written_off) AS bigint)
FROM statistics t WHERE t.company = ? AND t.quarter >= ? AND t.quarter < ? {conditions}
GROUP BY t.quarter ORDER BY t.quarter
"""


class Totals:
    """Sums of quarters of an hour in the order of time, told for any span as a difference of running sums."""

    def __init__(self, quarters: Sequence[tuple[int, Counts]]) -> None:
        self._starts = [quarter for quarter, _ in quarters]
        counts = ((one.calls, one.requests, one.refunded, one.written_off) for _, one in quarters)
        self._running = list(accumulate(counts, _added, initial=(0, 0, 0, 0)))

    def of(self, span: Span) -> Sums | None:
        """The sums of a span, None where it has no quarter."""
        first, after = bisect_left(self._starts, span.start), bisect_left(self._starts, span.end)
        if first == after:
            return None
        calls, requests, refunded, off = map(sub, self._running[after], self._running[first])
        return calls, requests, refunded, off


def asked_of(which: UsageFilter) -> dict[str, str]:
    return {name: value for name in KEYS if (value := getattr(which, name)) is not None}


def _added(some: Sums, more: Sums) -> Sums:
    return some[0] + more[0], some[1] + more[1], some[2] + more[2], some[3] + more[3]


def conditions_of(asked: Mapping[str, str]) -> str:
    return "".join(f' AND t."{name}" = ?' for name in asked)


def keys_of(by: Sequence[str]) -> str:
    """The columns that are asked for, and NULL for the others."""
    return ", ".join(f't."{name}"' if name in by else "CAST(NULL AS text)" for name in KEYS)
