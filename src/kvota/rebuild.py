"""Make the rows that a store keeps beside a ledger again, from its entries.

Entries never change, so they are carried out from snapshots first, while others go on; then the account is locked, the
few entries that came since are carried out too, and the rows are written in one transaction. What is over (ended holds,
statistics) waits for it in a temporary file. A ledger that does not hold together is left as it is.
"""

import os
import secrets
import tempfile
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Self

import msgspec

from kvota.core.account import Account, Counts, Hold, StatisticsKey
from kvota.core.entries import entry_number
from kvota.core.periods import is_time_zone
from kvota.core.state import replace
from kvota.errors import StoreUnavailable
from kvota.folding import PAGE, Finding, Fold, pages, unreadable_name
from kvota.loading import Library, spending_days
from kvota.store import Batch, CommitUnknown, Conflict, LedgerRow, Snapshot, Store, Transaction, Unreadable

TRIES = 5
BUSY_SECONDS, PAUSE_SECONDS = 0.5, 0.15
"""SQLite lets those who wait look for the lock ten times a second."""


class Rebuilt(NamedTuple):
    """How many entries were carried out, and what kept the rest from it: then nothing was changed."""

    entries: int
    findings: list[Finding]


def rebuild_all(store: Store, companies: Iterable[str]) -> Iterator[tuple[str, Rebuilt]]:
    """One company after the other, with pauses in which those who wait for the store have their turn."""
    library, since = Library(store), time.monotonic()
    try:
        for company in companies:
            rebuilt = rebuild(store, library, company)
            yield company, rebuilt
            if time.monotonic() - since > BUSY_SECONDS:
                time.sleep(PAUSE_SECONDS)
                since = time.monotonic()
    except Unreadable as error:
        yield "?", Rebuilt(0, [unreadable_name(error)])


def rebuild(store: Store, library: Library, company: str) -> Rebuilt:
    """Make the rows of a company again. Repeating is safe; others wait only while they are written."""
    with _Over() as over:
        work = _Rebuild(store, library, company, over)
        try:
            if work.read():
                _write(store, work)
        except Unreadable as error:
            work.fold.find(None, error.field, error.message)
        return Rebuilt(work.fold.seq, work.fold.findings)


def _write(store: Store, work: "_Rebuild") -> None:
    for attempt in range(1, TRIES + 1):
        try:
            with store.begin() as transaction:
                return work.write(transaction)
        except Conflict as problem:
            if attempt == TRIES:
                message = f"Others were in the way of {work.company} {TRIES} times, and nothing was changed. Try again."
                raise StoreUnavailable(message) from problem
            time.sleep(0.05 * 2**attempt)
        except CommitUnknown as problem:
            message = f"Whether {work.company} was made again is not known: {problem}. Repeating is safe."
            raise StoreUnavailable(message) from problem
    raise AssertionError("unreachable")


class _Part(msgspec.Struct):
    """What some entries have left behind that no later one looks at: to be written, and to be added."""

    holds: list[Hold]
    statistics: list[tuple[StatisticsKey, Counts]]


class _Over:
    """Such parts, one after the other, in a file: memory does not grow with the ledger."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._sizes: list[int] = []
        self._encode, self._decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(_Part).decode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self._file.close()

    def add(self, part: _Part) -> None:
        """Keep a part."""
        self._file.seek(0, os.SEEK_END)
        self._sizes.append(self._file.write(self._encode(part)))

    def __iter__(self) -> Iterator[_Part]:
        self._file.seek(0)
        for size in self._sizes:
            yield self._decode(self._file.read(size))


class _Rebuild:
    """One company: its entries first, then its rows."""

    def __init__(self, store: Store, library: Library, company: str, over: _Over) -> None:
        self.store, self.library, self.company, self.over = store, library, company, over
        with store.snapshot() as view:
            self.fold = Fold(company, library.book(view.catalogue_number()))

    def read(self) -> bool:
        """Carry out what is there, without a lock, until nearly nothing is left; False where it is impossible."""
        page = []
        while not self.fold.seq or len(page) == PAGE:
            with self.store.snapshot() as view:
                number, page = view.catalogue_number(), view.ledger(self.company, self.fold.seq, PAGE)
            if not self._take(page, number):
                return False
            if not self.fold.seq:
                self.fold.find(None, "entries.seq", "there is no entry to make anything from")
                return False
        return True

    def write(self, transaction: Transaction) -> None:
        """Carry out what has come since, with the account locked, write everything, and commit."""
        stored, number = _locked(transaction, self.company), transaction.catalogue_number()
        with transaction.view() as view:
            for page in pages(view, self.company, self.fold.seq):
                if not self._take(page, number):
                    return
            transaction.forget(self.company)
            for part in self.over:
                statistics = [(self.company, key, counts) for key, counts in part.statistics]
                transaction.save(self._batch(transaction, holds=part.holds, statistics=statistics))
            self._write_state(transaction)
            self._write_account(transaction, stored, view)
        transaction.commit()

    def _take(self, page: list[LedgerRow], number: int) -> bool:
        fold, state = self.fold, self.fold.state
        fold.book = self.library.book(number)
        if not all(fold.take(row) and not fold.findings for row in page):
            return False
        changes = state.changes
        ended = [state.holds[name] for name in sorted(changes.holds) if state.holds[name].status != "open"]
        self.over.add(_Part(ended, list(changes.statistics.items())))
        fold.let_go()
        changes.statistics.clear()
        return True

    def _batch(self, transaction: Transaction, **rows: object) -> Batch:
        return msgspec.structs.replace(Batch(id=secrets.token_hex(8), at=transaction.clock()), **rows)

    def _write_state(self, transaction: Transaction) -> None:
        """What the entries leave standing, in batches of a size that a statement can bear."""
        state = self.fold.state
        for name, rows in (
            ("holds", list(state.holds.values())),
            ("stages", list(state.stages.values())),
            ("boosts", list(state.boosts.values())),
            ("caps", list(state.caps.values())),
        ):
            for first in range(0, len(rows), PAGE):
                transaction.save(self._batch(transaction, **{name: rows[first : first + PAGE]}))

    def _write_account(self, transaction: Transaction, stored: Account | None, view: Snapshot) -> None:
        """With what no entry tells: the zones by which sums for caps are kept, and how many orders there are."""
        zones = () if stored is None else stored.spending_zones
        zones = zones if all(is_time_zone(zone) for zone in zones) else ()
        account = replace(self.fold.state.known, spending_zones=zones, orders=_orders(view, self.company))
        if zones:
            now = max(transaction.clock(), account.at)
            transaction.rebuild_spending(self.company, spending_days(account, now))
        transaction.save(self._batch(transaction, **{"accounts" if stored else "created": [account]}))


def _locked(transaction: Transaction, company: str) -> Account | None:
    """The account, locked; one that cannot be read is taken for one that knows nothing."""
    try:
        return transaction.lock([company]).get(company)
    except Unreadable:
        return Account(company=company, name="", plan="", time_zone="", created_at=0)


def _orders(view: Snapshot, company: str) -> int:
    """How many orders were placed: they are numbered."""
    numbers, after = [0], ""
    while page := view.orders(company, after, PAGE):
        numbers += [entry_number(order.id, "ord") or 0 for order in page]
        after = page[-1].id
    return max(numbers)
