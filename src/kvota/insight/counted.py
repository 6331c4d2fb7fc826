"""The entries behind a number of the statistics, each with what it adds to it."""

from collections.abc import Iterator

from kvota.core.account import Charge, Counts
from kvota.core.catalogue import Value
from kvota.core.commands import MAX_HOLD_SECONDS
from kvota.core.entries import Captured, Charged, Entry, Refunded, entry_number
from kvota.core.periods import SECOND, Span
from kvota.insight.statistics import Choice, pieces_of
from kvota.reads import Look, Reads
from kvota.store import EntryFilter, Want

AT_ONCE, ROUNDS = 500, 10
"""So many entries of a kind are read together, so often for a page: among many others it may be shorter than asked."""


class Counted(Value, frozen=True, kw_only=True):
    """What an entry adds to the statistics, and to whose: the call that began at ``since``.

    A refund that frees a shared stage adds to the call that had paid it, so an entry can stand here more than once.
    """

    entry: Entry
    since: int
    tool: str
    action: str
    user: str | None
    department: str | None
    counts: Counts


class Page(Value, frozen=True, kw_only=True):
    """``next`` is the number of the entry after which the next page begins, None on the last one."""

    items: tuple[Counted, ...]
    next: int | None


def counted(reads: Reads, company: str, chosen: Choice, after: int, limit: int) -> Page:
    """A page of the entries behind the sums of what was chosen, by number; their counts add up to them.

    All that one entry adds stands on one page, which can be longer than ``limit`` by that.
    """
    with reads.look(company, is_complete=False) as look:
        spans = pieces_of(look.state.known.time_zone, chosen)
        items: list[Counted] = []
        for _ in range(ROUNDS if spans else 0):
            entries, reached = _entries(look, chosen, Span(spans[0].start, spans[-1].end), after)
            for entry in entries:
                if len(items) >= limit:
                    return Page(items=tuple(items), next=items[-1].entry.seq)
                items += [one for one in _added(look, entry) if _is_chosen(one, chosen, spans)]
            if reached is None:
                return Page(items=tuple(items), next=None)
            after = reached
        return Page(items=tuple(items), next=after if spans else None)


def _entries(look: Look, chosen: Choice, span: Span, after: int) -> tuple[list[Entry], int | None]:
    """Those that may count, by number, and up to which number they are all there; None where nothing comes after.

    A capture comes at most as long after its call as a hold can live, a refund at any time.
    """
    user, action = chosen.user or None, chosen.action
    kinds = (
        EntryFilter(kind="charged", user=user, action=action, start=span.start, end=span.end),
        EntryFilter(
            kind="captured", user=user, action=action, start=span.start, end=span.end + MAX_HOLD_SECONDS * SECOND + 1
        ),
        EntryFilter(kind="refunded", start=span.start),
    )
    found: list[Entry] = []
    reached: int | None = None
    for which in kinds:
        entries = [one.entry for one in look.view.entries(look.state.company, which, after, AT_ONCE)]
        found += entries
        if len(entries) == AT_ONCE:
            reached = min(entries[-1].seq, reached or entries[-1].seq)
    return sorted((one for one in found if reached is None or one.seq <= reached), key=lambda one: one.seq), reached


def _added(look: Look, entry: Entry) -> Iterator[Counted]:
    """What ``core/effects.py`` counts for an entry."""
    match entry.fact:
        case Charged() as fact:
            yield _of(entry, fact, fact.since, Counts(calls=1, requests=fact.cost))
        case Captured() as fact:
            counts = Counts(calls=1, requests=fact.cost, written_off=fact.written_off)
            yield _of(entry, fact, fact.since, counts)
        case Refunded() as fact:
            yield _of(entry, fact, fact.since, Counts(refunded=fact.own))
            for freed in fact.freed:
                payer = _charge(look, freed.charge)
                yield _of(entry, payer, payer.at, Counts(refunded=freed.amount))
        case _:
            pass


def _charge(look: Look, name: str) -> Charge:
    number = entry_number(name, "chg")
    return look.view.load(Want(charges=[(look.state.company, number or 0)])).charges[0]


def _of(entry: Entry, whose: Charged | Captured | Refunded | Charge, since: int, counts: Counts) -> Counted:
    return Counted(
        entry=entry,
        since=since,
        tool=whose.tool,
        action=whose.action,
        user=whose.user,
        department=whose.department,
        counts=counts,
    )


def _is_chosen(one: Counted, chosen: Choice, spans: list[Span]) -> bool:
    columns = (
        (chosen.tool, one.tool),
        (chosen.action, one.action),
        (chosen.user, one.user or ""),
        (chosen.department, one.department or ""),
    )
    is_of_it = all(wanted in (None, there) for wanted, there in columns)
    return is_of_it and any(span.start <= one.since < span.end for span in spans)
