"""Replay ledgers and compare: hashes, accounts, holds, boosts, shared stages, caps, statistics, sums for caps.

What the entries give must be what the store holds, and a head that was exported before must be where it was.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from kvota.comparing import Holds, Spent, Statistics, compare, name_of
from kvota.core.account import Account, SpendingKey
from kvota.core.catalogue import Book
from kvota.core.periods import is_time_zone
from kvota.core.state import replace, spending_floor, spending_since
from kvota.folding import PAGE, Finding, Fold, pages, unreadable_name
from kvota.heads import Head
from kvota.loading import Library
from kvota.store import Rows, Snapshot, Store, Unreadable

SETTLED = ("seq", "at", "hash")
KEPT_APART = ("spending_zones", "orders")
"""What no entry tells: since when sums for caps are kept, and how many orders were placed."""


class Proof(NamedTuple):
    """What came out for one company: its last entry (none: number 0), and what does not agree."""

    head: Head
    findings: list[Finding]


def verify(store: Store, companies: Iterable[str] | None = None) -> list[Finding]:
    """Verify the ledgers of some or all companies."""
    named = all_companies(store) if companies is None else companies
    return list(chain.from_iterable(proof.findings for proof in prove(store, ((name, None) for name in named))))


def prove(store: Store, companies: Iterable[tuple[str, Head | None]]) -> Iterator[Proof]:
    """Verify one ledger after the other, each against its exported head where there is one."""
    library = Library(store)
    try:
        for company, head in companies:
            with store.snapshot() as view:
                proof = _Replay(view, library.book(view.catalogue_number()), company, head).run()
            yield proof
    except Unreadable as error:
        yield Proof(Head(company="?", seq=0, hash=""), [unreadable_name(error)])


def all_companies(store: Store) -> Iterator[str]:
    """Every company that has any row, by name; up to the first name that cannot be read, which is ``Unreadable``."""
    after, limit = "", PAGE
    while True:
        try:
            with store.snapshot() as view:
                page = view.ledgers(after, limit)
        except Unreadable:
            if limit == 1:
                raise
            limit = 1
            continue
        if not page:
            return
        yield from page
        after = page[-1]


class _Replay:
    """One company's ledger, from its first entry on."""

    def __init__(self, view: Snapshot, book: Book, company: str, head: Head | None) -> None:
        self.view, self.company, self.head = view, company, head
        self.fold = Fold(company, book)
        self.find = self.fold.find
        self.holds, self.statistics = Holds(view, company, self.find), Statistics(view, company, self.find)
        self.spent = Spent()

    def run(self) -> Proof:
        """Replay everything, then compare with the rows."""
        try:
            if self._replay():
                self._check_length()
                self._compare_rows()
        except Unreadable as error:
            self.find(None, error.field, error.message)
        return Proof(Head(company=self.company, seq=self.fold.seq, hash=self.fold.hash), self.fold.findings)

    def _replay(self) -> bool:
        """Carry all entries out; False where it is impossible to go on."""
        fold = self.fold
        for page in pages(self.view, self.company):
            for row in page:
                if not fold.take(row):
                    return False
                if row.written is not None:
                    self.spent.take(row.written.entry, fold.state)
                self._check_head()
            self._settle()
        return True

    def _settle(self) -> None:
        """Compare what nothing changes any more, and forget it."""
        state = self.fold.state
        self.holds.settle(state)
        self.statistics.settle(state)
        self.spent.settle(state)
        self.fold.let_go()

    def _check_head(self) -> None:
        head, fold = self.head, self.fold
        if head is not None and fold.seq == head.seq and fold.hash != head.hash:
            message = f"the exported head has {head.hash} here, the ledger {fold.hash}: its history was rewritten"
            self.find(head.seq, "entries.hash", message)

    def _check_length(self) -> None:
        head, seq = self.head, self.fold.seq
        if head is not None and seq < head.seq:
            ends = f"the ledger ends at entry {seq}" if seq else "there is no entry"
            message = f"{ends}, the exported head is entry {head.seq} ({head.hash}): the entries after it are missing"
            self.find(seq + 1, "entries.seq", message)

    def _compare_rows(self) -> None:
        account, state, find = self.view.account(self.company), self.fold.state, self.find
        if account is None:
            if state.account is not None:
                find(None, "accounts.company", "there are entries, but no account")
        elif state.account is None:
            find(None, "entries.seq", "there is an account, but no entry")
        else:
            self._compare_account(account)
        rows = self.view.all_rows(self.company)
        self.holds.end(state)
        self.statistics.settle(state, is_end=True)
        compare(find, "boosts", {row.id: row for row in rows.boosts}, state.boosts)
        compare(find, "caps", {row.id: row for row in rows.caps}, state.caps)
        standing = {key: row for key, row in state.stages.items() if row.standing}
        compare(find, "stages", {(row.subject, row.stage): row for row in rows.stages}, standing)
        self._compare_spending(account, rows)
        self._compare_orders(account, {row.id: row.credited for row in rows.orders})

    def _compare_account(self, account: Account) -> None:
        told = self.fold.state.known
        for field in Account.__struct_fields__:
            if field not in KEPT_APART and (one := getattr(account, field)) != (other := getattr(told, field)):
                seq = account.seq if field in SETTLED else None
                self.find(seq, f"accounts.{field}", f"the account says {one!r}, the entries give {other!r}")

    def _compare_spending(self, account: Account | None, rows: Rows) -> None:
        """Sums are kept from the week or period on in which they were begun; older rows may be partial."""
        zones = () if account is None else account.spending_zones
        if not all(is_time_zone(zone) for zone in zones):
            self.find(None, "accounts.spending_zones", f"{', '.join(zones)} names no time zone")
            return
        if not zones or self.fold.state.account is None:
            for _, key, amount in rows.spending:
                self.find(None, f"spending[{name_of(key)}]", f"the row says {amount}, but no sums for caps are kept")
            return
        told_account = replace(self.fold.state.known, spending_zones=zones)
        floor = spending_floor(told_account)
        told: dict[SpendingKey, int] = {}
        for (kind, name, at), amount in self.spent.since(floor):
            key = SpendingKey(kind, name, spending_since(told_account, at))
            told[key] = told.get(key, 0) + amount
        kept = {key: amount for _, key, amount in rows.spending if key.since >= floor}
        for key in sorted({*kept, *told}):
            if kept.get(key, 0) != told.get(key, 0):
                message = f"the row says {kept.get(key, 0)}, the entries give {told.get(key, 0)}"
                self.find(None, f"spending[{name_of(key)}].requests", message)

    def _compare_orders(self, account: Account | None, credited: dict[str, str | None]) -> None:
        orders = 0 if account is None else account.orders
        if orders != len(credited):
            self.find(None, "accounts.orders", f"the account says {orders}, there are {len(credited)} orders")
        boosts = self.fold.state.boosts.values()
        named = {boost.order_id: boost.id for boost in boosts if boost.order_id is not None}
        for order in sorted({*named, *(name for name, boost in credited.items() if boost is not None)}):
            if named.get(order) != credited.get(order):
                message = f"the order says {credited.get(order)!r}, the entries give {named.get(order)!r}"
                self.find(None, f"orders[{order}].credited", message)
