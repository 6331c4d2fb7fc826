"""Replay a ledger and compare: hashes, accounts, holds, boosts, shared stages, caps, statistics, sums for caps.

What an entry does is defined once, in ``kvota.core.effects``; here the same effects are carried out from the first
entry on, and what comes out must be what the store holds.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar, cast

import msgspec

from kvota.core.account import Account, SpendingKey, SpendingKind
from kvota.core.catalogue import Book, Catalogue
from kvota.core.effects import Header, apply
from kvota.core.entries import Captured, Charged, Ended, Entry, Held, Refunded, chain, identifier
from kvota.core.fold import balance_after
from kvota.core.periods import is_time_zone, quarter
from kvota.core.state import State, Written, replace, spending_floor, spending_since
from kvota.loading import Library
from kvota.store import EntryFilter, Snapshot, Store, Unreadable

K = TypeVar("K")
PAGE = 1000
SETTLED = ("seq", "at", "hash")
KEPT_APART = ("spending_zones", "orders")
"""What no entry tells: since when sums for caps are kept, and how many orders were placed."""


class Finding(NamedTuple):
    """Something that does not agree: in which company, at which entry (None: none in particular), in which field."""

    company: str
    seq: int | None
    field: str
    message: str


def verify(
    store: Store, companies: Iterable[str] | None = None, progress: Callable[[str, int], None] | None = None
) -> list[Finding]:
    """Verify the ledgers of some or all companies. ``progress`` is told each company and its number of entries."""
    library = Library(store)
    findings: list[Finding] = []
    for company in _companies(store) if companies is None else companies:
        with store.snapshot() as view:
            book = library.book(view.catalogue_number())
            found, count = _Replay(view, book, company).run()
        findings += found
        if progress is not None:
            progress(company, count)
    return findings


def _companies(store: Store) -> Iterator[str]:
    after = ""
    while True:
        with store.snapshot() as view:
            page = view.ledgers(after, PAGE)
        if not page:
            return
        yield from page
        after = page[-1]


class _Replay:
    """One company's ledger, from its first entry on."""

    def __init__(self, view: Snapshot, book: Book, company: str) -> None:
        self.view, self.book, self.company = view, book, company
        self.state = State(company, None)
        self.findings: list[Finding] = []
        self.previous = ""
        self.spent: dict[SpendingKey, int] = {}

    def run(self) -> tuple[list[Finding], int]:
        """Replay everything, then compare with the rows."""
        seq = 0
        while page := self._page(seq):
            for number, column, stored, told in self.view.differing_columns(self.company, seq, PAGE):
                self._find(number, f"entries.{column}", f"the column says {stored!r}, the entry {told!r}")
            for written in page:
                seq += 1
                if not self._entry(written, seq):
                    return self.findings, seq
        try:
            self._compare_rows()
        except Unreadable as error:
            self._find(None, error.field, error.message)
        return self.findings, seq

    def _compare_rows(self) -> None:
        account = self.view.account(self.company)
        if account is None:
            self._find(None, "accounts.company", "there are entries, but no account")
        elif self.state.account is None:
            self._find(None, "entries.seq", "there is an account, but no entry")
        else:
            self._compare(account)

    def _page(self, after: int) -> list[Written]:
        """The next entries; up to the first that cannot be read, where there is one, and that is found."""
        try:
            return self.view.entries(self.company, EntryFilter(), after, PAGE)
        except msgspec.MsgspecError:
            readable: list[Written] = []
        try:
            while one := self.view.entries(self.company, EntryFilter(), after + len(readable), 1):
                readable += one
        except msgspec.MsgspecError as error:
            self._find(after + len(readable) + 1, "entries.body", f"the entry cannot be read: {error}")
        return readable

    def _find(self, seq: int | None, field: str, message: str) -> None:
        self.findings.append(Finding(self.company, seq, field, message))

    def _entry(self, written: Written, expected: int) -> bool:
        """Check one entry and carry it out; False where the replay cannot go on."""
        if (seq := written.entry.seq) != expected:
            self._find(expected, "entries.seq", f"entry {expected} is missing; the next one is {seq}")
            return False
        digest = chain(self.previous, written.body)
        if digest != written.hash:
            self._find(seq, "entries.hash", f"the entry's bytes give {digest}, stored is {written.hash}")
        self.previous = written.hash if _is_hash(written.hash) else digest
        try:
            self._carry_out(written.entry)
        except (KeyError, AssertionError, TypeError, ValueError, AttributeError) as error:
            self._find(seq, "entries.body", f"the entry cannot follow from those before it: {error!r}")
            return False
        return True

    def _carry_out(self, entry: Entry) -> None:
        if self.state.account is not None and entry.at < self.state.account.at:
            self._find(entry.seq, "entries.at", "the entry is older than the one before it")
        apply(entry.fact, self.state, Header(entry.at, entry.seq, entry.catalogue))
        self._remember_balance(entry)
        self._spend(entry)
        account = replace(self.state.known, seq=entry.seq, at=entry.at, hash=self.previous)
        self.state.account = account
        balance = balance_after(account, self._catalogue(entry))
        if balance != entry.balance:
            self._find(entry.seq, "entries.balance", f"the entries give {balance}, the entry says {entry.balance}")
        self.state.slot_times.clear()

    def _catalogue(self, entry: Entry) -> Catalogue:
        """The one in force, as the entry names it: where a clock has stepped back, its instant may be a later one's.

        A capture names its hold's.
        """
        return self.book.at(entry.at) if isinstance(entry.fact, Captured) else self.book.version(entry.catalogue)

    def _remember_balance(self, entry: Entry) -> None:
        fact = entry.fact
        if isinstance(fact, Held | Captured | Ended):
            name = identifier("hld", entry.seq) if isinstance(fact, Held) else fact.hold
            self.state.put_hold(replace(self.state.holds[name], available=entry.balance.available))

    def _spend(self, entry: Entry) -> None:
        """What caps count, by quarters of an hour: exact under any cut at midnights."""
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
                row = self.state.stages[fact.subject or "", freed.stage]
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
                self.spent[key] = self.spent.get(key, 0) + amount

    def _compare(self, account: Account) -> None:
        rows = self.view.all_rows(self.company)
        told = self.state.known
        for field in Account.__struct_fields__:
            if field not in KEPT_APART and getattr(account, field) != getattr(told, field):
                self._find(
                    account.seq if field in SETTLED else None,
                    f"accounts.{field}",
                    f"the account says {getattr(account, field)!r}, the entries give {getattr(told, field)!r}",
                )
        self._rows("holds", {row.id: row for row in rows.holds}, self.state.holds)
        self._rows("boosts", {row.id: row for row in rows.boosts}, self.state.boosts)
        self._rows("caps", {row.id: row for row in rows.caps}, self.state.caps)
        self._rows(
            "stages",
            {(row.subject, row.stage): row for row in rows.stages},
            {key: row for key, row in self.state.stages.items() if row.standing},
        )
        self._rows("statistics", dict(self.view.all_statistics(self.company)), self.state.changes.statistics)
        zones = account.spending_zones
        if not all(is_time_zone(zone) for zone in zones):
            self._find(None, "accounts.spending_zones", f"{', '.join(zones)} names no time zone")
        elif zones:
            kept = {key: amount for _, key, amount in rows.spending if amount}
            self._compare_spending(replace(told, spending_zones=zones), kept)
        self._compare_orders(account, {row.id: row.credited for row in rows.orders})

    def _rows(self, table: str, stored: Mapping[K, object], told: Mapping[K, object]) -> None:
        for key in sorted({*stored, *told}, key=repr):
            one, other = stored.get(key), told.get(key)
            if one is None or other is None:
                missing = "the row is missing" if one is None else "no entry made this row"
                self._find(_seq_of(other or one), f"{table}[{_name(key)}]", missing)
            elif one != other:
                for field in _fields(one):
                    if (left := getattr(one, field)) != (right := getattr(other, field)):
                        where = f"{table}[{_name(key)}].{field}"
                        self._find(_seq_of(other), where, f"the row says {left!r}, the entries give {right!r}")

    def _compare_spending(self, account: Account, stored: dict[SpendingKey, int]) -> None:
        """Sums are kept from the week or period on in which they were begun; older rows may be partial."""
        floor = spending_floor(account)
        told: dict[SpendingKey, int] = {}
        for (kind, name, at), amount in self.spent.items():
            if at >= floor:
                since = spending_since(account, at)
                key = SpendingKey(kind, name, since)
                told[key] = told.get(key, 0) + amount
        kept = {key: amount for key, amount in stored.items() if key.since >= floor}
        for key in sorted({*kept, *(key for key, amount in told.items() if amount)}):
            if kept.get(key, 0) != told.get(key, 0):
                message = f"the row says {kept.get(key, 0)}, the entries give {told.get(key, 0)}"
                self._find(None, f"spending[{_name(key)}].requests", message)

    def _compare_orders(self, account: Account, credited: dict[str, str | None]) -> None:
        if account.orders != len(credited):
            self._find(None, "accounts.orders", f"the account says {account.orders}, there are {len(credited)} orders")
        named = {boost.order_id: boost.id for boost in self.state.boosts.values() if boost.order_id is not None}
        for order in sorted({*named, *(name for name, boost in credited.items() if boost is not None)}):
            if named.get(order) != credited.get(order):
                message = f"the order says {credited.get(order)!r}, the entries give {named.get(order)!r}"
                self._find(None, f"orders[{order}].credited", message)


def _is_hash(text: str) -> bool:
    return re.fullmatch("[0-9a-f]{64}", text) is not None


def _fields(row: object) -> tuple[str, ...]:
    return type(row).__struct_fields__ if isinstance(row, msgspec.Struct) else ()


def _name(key: object) -> str:
    return "/".join(map(str, cast("tuple[object, ...]", key))) if isinstance(key, tuple) else str(key)


def _seq_of(row: object) -> int | None:
    entry = getattr(row, "entry", None)
    return entry if isinstance(entry, int) else None
