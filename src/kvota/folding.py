"""One company's ledger, carried out from its first entry on: what verifying compares, and rebuilding writes.

What an entry does is defined once, in ``kvota.core``; here the same effects are carried out again, page by page.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from kvota.core.catalogue import Book, Catalogue
from kvota.core.entries import Captured, Entry, chain
from kvota.core.fold import retell
from kvota.core.state import State
from kvota.store import LedgerRow, Unreadable

PAGE = 1000


class Finding(NamedTuple):
    """Something that does not agree: in which company, at which entry (None: none in particular), in which field."""

    company: str
    seq: int | None
    field: str
    message: str

    def __str__(self) -> str:
        where = self.company if self.seq is None else f"{self.company}, entry {self.seq}"
        return f"{where}: {self.field}: {self.message}"


def unreadable_name(error: Unreadable) -> Finding:
    """What ends a walk over all companies."""
    message = f"the name of a company cannot be read, and none after it was looked at: {error.message}"
    return Finding("?", None, "company", message)


class Ledgers(Protocol):
    """Where the rows of entries come from: a snapshot, or a transaction's view."""

    def ledger(self, company: str, after: int, limit: int) -> list[LedgerRow]:
        """As in ``kvota.store.Snapshot``."""
        ...


def pages(view: Ledgers, company: str, after: int = 0) -> Iterator[list[LedgerRow]]:
    """The entries with a number over ``after``."""
    while page := view.ledger(company, after, PAGE):
        yield page
        after = page[-1].seq


class Fold:
    """The state that the entries give, so far; ``findings`` are what did not agree on the way.

    Time stands at the last entry. The rows of charges and calls are not kept, and those who use it let ended holds and
    take statistics away as they like: an effect needs what its entry names.
    """

    def __init__(self, company: str, book: Book) -> None:
        self.company, self.book = company, book
        self.state = State(company, None)
        self.seq, self.hash = 0, ""
        self.findings: list[Finding] = []

    def find(self, seq: int | None, field: str, message: str) -> None:
        """Note something that does not agree."""
        self.findings.append(Finding(self.company, seq, field, message))

    def take(self, row: LedgerRow) -> bool:
        """Check the next entry and carry it out; False where it is impossible to go on."""
        for column, stored, told in row.differing:
            self.find(row.seq, f"entries.{column}", f"the column says {stored!r}, the entry {told!r}")
        if row.written is None:
            self.find(row.seq, "entries.body", f"the entry cannot be read: {row.problem}")
            return False
        entry, expected = row.written.entry, self.seq + 1
        if entry.seq != expected:
            self.find(expected, "entries.seq", f"entry {expected} is missing; the next one is {entry.seq}")
            return False
        digest = chain(self.hash, row.written.body)
        if digest != row.written.hash:
            self.find(entry.seq, "entries.hash", f"the entry's bytes give {digest}, stored is {row.written.hash}")
        self.seq, self.hash = entry.seq, row.written.hash if _is_hash(row.written.hash) else digest
        try:
            self._carry_out(entry)
        except (KeyError, AssertionError, TypeError, ValueError, AttributeError) as error:
            self.find(entry.seq, "entries.body", f"the entry cannot follow from those before it: {error!r}")
            return False
        return True

    def let_go(self) -> None:
        """Forget the holds that have ended and the stages that do not stand: no later entry looks at them."""
        state, changes = self.state, self.state.changes
        for name in changes.holds:
            if state.holds[name].status != "open":
                del state.holds[name]
        for key in changes.stages:
            if not state.stages[key].standing:
                del state.stages[key]
        for changed in (changes.holds, changes.boosts, changes.caps, changes.stages):
            changed.clear()

    def _carry_out(self, entry: Entry) -> None:
        state = self.state
        if state.account is not None and entry.at < state.account.at:
            self.find(entry.seq, "entries.at", "the entry is older than the one before it")
        balance = retell(state, entry, self.hash, self._catalogue(entry))
        if balance != entry.balance:
            self.find(entry.seq, "entries.balance", f"the entries give {balance}, the entry says {entry.balance}")
        state.slot_times.clear()
        state.spending.clear()

    def _catalogue(self, entry: Entry) -> Catalogue:
        """The one in force, as the entry names it: where a clock has stepped back, its instant may be a later one's.

        A capture names its hold's.
        """
        return self.book.at(entry.at) if isinstance(entry.fact, Captured) else self.book.version(entry.catalogue)


def _is_hash(text: str) -> bool:
    return re.fullmatch("[0-9a-f]{64}", text) is not None
