"""The newest entries of a ledger, as far as advice looks at them: the others are counted, and not read."""

from collections.abc import Iterator
from typing import NamedTuple

from kvota.core.commands import MAX_HOLD_SECONDS
from kvota.core.entries import BoostAdded, Entry
from kvota.core.periods import SECOND, Span, day
from kvota.insight.savings import judged
from kvota.reads import Look
from kvota.store import EntryFilter, UsageFilter

MAX_ENTRIES = 20_000
"""Advice is about no more entries, the newest ones: that of a busier company is about a shorter time, and says so."""
OF_CALLS, OF_OTHERS = ("charged", "captured", "refunded"), ("hold_expired", "boost_added")


class Newest(NamedTuple):
    """``entries``: those of ``length`` that are looked at, in order; ``start``: since when they are all there."""

    entries: list[Entry]
    length: int
    start: int
    is_whole: bool


def newest(look: Look, start: int) -> Newest:
    """The newest entries since then; what time has brought is not written yet, and comes last."""
    due = [written.entry for written in look.state.changes.entries if written.entry.at >= start]
    last = look.state.known.seq - len(look.state.changes.entries)
    floor = max(0, last - MAX_ENTRIES)
    first = _first(look, start, floor)
    if first is None:
        return Newest(due, len(due), start, is_whole=True)
    is_whole = floor == 0 or first.seq > floor + 1
    judged_ones = {entry.seq: entry for entry in _judged(look, first)}
    entries = [judged_ones[seq] for seq in sorted(judged_ones)]
    since = start if is_whole else first.at
    return Newest([*entries, *due], last + 1 - first.seq + len(due), since, is_whole)


def _first(look: Look, start: int, floor: int) -> Entry | None:
    page = look.view.entries(look.state.company, EntryFilter(start=start), floor, 1)
    return page[0].entry if page else None


def _judged(look: Look, first: Entry) -> Iterator[Entry]:
    """The calls of actions that are judged, with their refunds; and each boost after the entry before it."""
    filters = [EntryFilter(kind=kind, action=action) for action in _used(look, first.at) for kind in OF_CALLS]
    for which in (*filters, *(EntryFilter(kind=kind) for kind in OF_OTHERS)):
        for written in look.view.entries(look.state.company, which, first.seq - 1, MAX_ENTRIES):
            yield written.entry
            if isinstance(written.entry.fact, BoostAdded):
                yield from _before(look, written.entry, first)


def _used(look: Look, at: int) -> list[str]:
    """The actions that are judged, of those that were used on these days: a capture counts when its hold began."""
    zone = look.state.known.time_zone
    span = Span(day(zone, at - MAX_HOLD_SECONDS * SECOND).start, day(zone, look.now).end)
    rows = look.view.usage(look.state.company, [span], ["action"], UsageFilter())
    return sorted({row.action or "" for row in rows} & judged(look.book))


def _before(look: Look, boost: Entry, first: Entry) -> Iterator[Entry]:
    """The entry before a boost, unless it is too old."""
    if boost.seq > first.seq:
        for written in look.view.entries(look.state.company, EntryFilter(), boost.seq - 2, 1):
            yield written.entry
