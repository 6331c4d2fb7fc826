"""The last month of companies under another catalogue, from the ledgers of a store (``kvota.core.rehearsal``)."""

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec

from kvota.core.account import Account
from kvota.core.catalogue import Book, Catalogue
from kvota.core.commands import MAX_HOLD_SECONDS
from kvota.core.entries import Entry, entry_number
from kvota.core.periods import DAY, SECOND, Span, date_on, month, month_of
from kvota.core.rehearsal import Month, Named, Rehearsal, Sums
from kvota.core.state import replace
from kvota.errors import Busy
from kvota.loading import Library
from kvota.store import EntryFilter, Snapshot, Store, Want

PAGE = 1000
BUDGET_SECONDS = 10.0
CAP_DAYS = 8
"""No window of a cap that may matter in the month begins earlier before it: the longest is a week."""


class Rehearsed(msgspec.Struct, frozen=True, kw_only=True):
    """A company's month, and the declines that were counted in it, by reason."""

    month: Month
    declined: dict[str, int]


class RehearsedPage(NamedTuple):
    """``next`` is the company to go on after; None where all have been rehearsed."""

    months: list[Rehearsed]
    next: str | None


def rehearse(
    store: Store, catalogue: Catalogue, after: str, limit: int, is_ending: Callable[[], bool]
) -> RehearsedPage:
    """The companies after one, by id, that had calls or declines last month: at most ``limit``.

    It ends early where it has taken ``BUDGET_SECONDS``; the company at hand is finished. Raises ``Busy`` as soon as
    ``is_ending`` says so.
    """
    deadline = time.monotonic() + BUDGET_SECONDS
    library, found = Library(store), list[Rehearsed]()
    while True:
        with store.snapshot() as view:
            accounts = view.accounts(after, PAGE)
        for account in accounts:
            with store.snapshot() as view:
                book = library.book(view.catalogue_number())
                one = _company(view, book, catalogue, account, is_ending)
            after = account.company
            if one is not None:
                found.append(one)
            if len(found) >= limit or time.monotonic() > deadline:
                return RehearsedPage(found, after)
        if len(accounts) < PAGE:
            return RehearsedPage(found, None)


def _company(
    view: Snapshot, book: Book, catalogue: Catalogue, account: Account, is_ending: Callable[[], bool]
) -> Rehearsed | None:
    """The last calendar month of the company's zone."""
    now = max(view.clock(), account.at)
    is_over = now >= account.period_end
    zone = (account.next_time_zone or account.time_zone) if is_over else account.time_zone
    plan = (account.scheduled_plan or account.plan) if is_over else account.plan
    span = month(zone, month_of(zone, now) - 1)
    declined: dict[str, int] = {}
    for reason, _, count in view.declines(account.company, date_on(zone, span.start), date_on(zone, span.end), None):
        declined[reason] = declined.get(reason, 0) + count
    named = _named(view, account.company, span)
    if named is not None:
        rehearsal = Rehearsal(account.company, book, catalogue, span=span, named=named, plan=plan)
        for page in _pages(view, account.company, EntryFilter(end=_until(span))):
            for entry in page:
                rehearsal.add(entry)
            rehearsal.tidy()
            if is_ending():
                raise Busy("The server is ending. Try again in a moment.")
        return Rehearsed(month=rehearsal.result(), declined=declined)
    if not declined:
        return None
    idle = Month(company=account.company, plan=plan, span=span, before=Sums(), after=Sums(), refused={})
    return Rehearsed(month=idle, declined=declined)


def _until(span: Span) -> int:
    """Until when a hold of the month may be captured."""
    return span.end + MAX_HOLD_SECONDS * SECOND + 1


def _pages(view: Snapshot, company: str, which: EntryFilter) -> Iterator[list[Entry]]:
    after = 0
    while page := view.entries(company, which, after, PAGE):
        yield [written.entry for written in page]
        after = page[-1].entry.seq


def _named(view: Snapshot, company: str, span: Span) -> Named | None:
    """What the month names; None where it has no call."""
    named = Named(span)
    for page in _pages(view, company, EntryFilter(start=span.start - CAP_DAYS * DAY, end=_until(span))):
        for entry in page:
            named.see(entry)
    if not named.has_calls:
        return None
    for kind in ("company_created", "settings_changed"):
        for page in _pages(view, company, EntryFilter(kind=kind, end=_until(span))):
            for entry in page:
                named.see_zone(entry)
    numbers = [n for name in named.refunded if (n := entry_number(name, "chg")) is not None and n < named.first]
    for start in range(0, len(numbers), PAGE):
        rows = view.load(Want(charges=[(company, n) for n in numbers[start : start + PAGE]])).charges
        named.earlier.update((row.id, replace(row, refund=None)) for row in rows)
    return named
