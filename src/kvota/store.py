"""The contract of a store. Two keep it: ``kvota.stores.sqlite`` and ``kvota.stores.postgres``.

A store keeps rows and decides nothing. Writing goes through one ``Transaction`` for a whole batch of commands:
``lock`` the accounts, read the ``clock``, ``load`` what the commands name, ``save``, ``commit``. Reading goes through a
``Snapshot``: one consistent view, no locks.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import msgspec

from kvota.core.account import (
    Account,
    Boost,
    Cap,
    Charge,
    Counts,
    DeclineKey,
    Hold,
    Order,
    PaidStage,
    SpendingKey,
    StatisticsKey,
)
from kvota.core.entries import Entry
from kvota.core.people import Person
from kvota.core.periods import Span
from kvota.core.state import Written


class Conflict(Exception):
    """Another transaction was in the way (a deadlock, a serialization failure, a row made meanwhile): try again."""


class CommitUnknown(Exception):
    """The connection was lost during COMMIT: ``was_committed`` tells whether the batch is there."""


class Overtaken(Exception):
    """Another catalogue was loaded since the caller compared its own with the newest: compare again."""


class PlansInUse(Exception):
    """Companies have, or will have by a scheduled change, plans that a new catalogue drops."""

    def __init__(self, plans: Sequence[str]) -> None:
        super().__init__(", ".join(plans))
        self.plans = tuple(plans)


class Unreadable(Exception):
    """A column holds what nobody wrote: the ``field`` (``holds[acme/hld_…].draws``) and what is wrong with it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field, self.message = field, message


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """The first reply of an idempotency key. ``request`` is the fingerprint, ``reply`` the reply as JSON."""

    company: str
    key: str
    request: str
    at: int
    reply: bytes


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """An API key, without its secret: ``hash`` is all that is stored. ``company`` is None for an operator's."""

    id: str
    hash: str
    role: str
    company: str | None = None
    user: str | None = None
    label: str | None = None
    actions: tuple[str, ...] | None = None
    created_at: int = 0
    revoked_at: int | None = None


class StoredCatalogue(msgspec.Struct, frozen=True, kw_only=True):
    """One edition as it was loaded: its text, and the instant it takes effect."""

    number: int
    id: str
    version: str
    effective_at: int
    loaded_at: int
    text: str


class Want(msgspec.Struct, kw_only=True):
    """What to load; each list becomes at most one set query. Rows that do not exist are simply absent.

    ``due``: open holds with ``expires_at <= now``. ``funds``: live boosts that have something left, or whose
    ``expires_at <= now``; both are (company, now). ``all_boosts``: every live boost. ``all_holds``: every open hold.
    ``charges``: (company, number of the charge's entry). ``slots``: (company, first, last) numbers of authorised calls,
    both included.
    ``spending``: (company, kind, name, floor): the days from ``floor`` on. ``departments``: (company, user).
    """

    keys: list[tuple[str, str]] = []
    holds: list[tuple[str, str]] = []
    charges: list[tuple[str, int]] = []
    subjects: list[tuple[str, str]] = []
    orders: list[tuple[str, str]] = []
    boosts: list[tuple[str, str]] = []
    caps: list[str] = []
    due: list[tuple[str, int]] = []
    funds: list[tuple[str, int]] = []
    all_boosts: list[str] = []
    all_holds: list[str] = []
    slots: list[tuple[str, int, int]] = []
    spending: list[tuple[str, str, str, int]] = []
    departments: list[tuple[str, str]] = []


class Rows(msgspec.Struct, kw_only=True):
    """What was found, each row naming its company. ``departments``: (company, user, department)."""

    remembered: list[Remembered] = []
    holds: list[Hold] = []
    charges: list[Charge] = []
    stages: list[PaidStage] = []
    orders: list[Order] = []
    boosts: list[Boost] = []
    caps: list[Cap] = []
    slots: list[tuple[str, int, int]] = []
    spending: list[tuple[str, SpendingKey, int]] = []
    departments: list[tuple[str, str, str]] = []


class Batch(msgspec.Struct, kw_only=True):
    """What one transaction writes. Rows replace those of the same key; counts and amounts are added to what is there.

    No list has a key twice. Entries, remembered replies and the batch itself are only ever added, and a charge has one
    refund: one that is there already is a ``Conflict``.
    ``moved`` are accounts of which nothing but the columns in ``core.account.MOVING`` has changed. ``created`` are
    accounts that did not exist: if one does by now, ``Conflict``. Stages with nothing standing on them are removed, as
    are the caps in ``caps_gone`` and the spending of the companies in ``spending_gone``.
    """

    id: str
    at: int
    created: list[Account] = []
    accounts: list[Account] = []
    moved: list[Account] = []
    entries: list[Written] = []
    holds: list[Hold] = []
    boosts: list[Boost] = []
    stages: list[PaidStage] = []
    orders: list[Order] = []
    caps: list[Cap] = []
    caps_gone: list[tuple[str, str]] = []
    spending_gone: list[str] = []
    statistics: list[tuple[str, StatisticsKey, Counts]] = []
    spending: list[tuple[str, SpendingKey, int]] = []
    declines: list[tuple[str, DeclineKey, int]] = []
    remembered: list[Remembered] = []


class EntryFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries; ``start`` and ``end`` are instants, half-open."""

    kind: str | None = None
    user: str | None = None
    action: str | None = None
    start: int | None = None
    end: int | None = None


class UsageRow(msgspec.Struct, frozen=True, kw_only=True):
    """Statistics of one span (its index) and one combination of the asked keys; None for a key not asked for."""

    span: int
    tool: str | None = None
    action: str | None = None
    user: str | None = None
    department: str | None = None
    calls: int
    requests: int
    refunded: int
    written_off: int


class Loading(Protocol):
    """What transactions and snapshots have in common."""

    def clock(self) -> int:
        """Milliseconds since the epoch by the store's clock: one clock, however many processes share the store.

        In a sandbox that has been set: where it was set. In a transaction it is read after the locks were taken.
        """
        ...

    def catalogue_number(self) -> int:
        """The number of the newest catalogue; while a transaction runs, no newer one appears."""
        ...

    def has_departments(self) -> bool:
        """Whether anybody in any directory has a department; read together with the clock."""
        ...

    def load(self, want: Want) -> Rows:
        """Load by index, one set query for each list that is not empty. Rows come in no particular order."""
        ...


class Transaction(Loading, AbstractContextManager["Transaction"], Protocol):
    """One batch. Leaving the ``with`` block without ``commit`` rolls back."""

    def lock(self, companies: Sequence[str]) -> dict[str, Account]:
        """Lock the accounts in one order, until the end of the transaction; absent ones are absent in the reply."""
        ...

    def rebuild_spending(self, company: str, days: Sequence[Span]) -> None:
        """Make the sums for caps anew: per user, department and tool, what was spent and is held in each day.

        From the statistics (``requests - refunded``, quarters that begin in the day) and the open holds (``held``,
        by their ``at``). Older rows of the company are removed.
        """
        ...

    def save(self, batch: Batch) -> None:
        """Write the batch in a few set-based statements. May raise ``Conflict``, or leave that to ``commit``."""
        ...

    def commit(self) -> None:
        """Make it durable. Raises ``CommitUnknown`` where the answer was lost, ``Conflict`` where it was refused."""
        ...


class Snapshot(Loading, AbstractContextManager["Snapshot"], Protocol):
    """One consistent view for reading. Lists are pages: rows with a key after ``after``, at most ``limit``."""

    def account(self, company: str) -> Account | None: ...

    def accounts(self, after: str, limit: int) -> list[Account]:
        """By company."""
        ...

    def entries(self, company: str, which: EntryFilter, after: int, limit: int) -> list[Written]:
        """By seq."""
        ...

    def holds(self, company: str, status: str | None, after: str, limit: int) -> list[Hold]:
        """By id."""
        ...

    def orders(self, company: str, after: str, limit: int) -> list[Order]:
        """By id."""
        ...

    def usage(self, company: str, spans: Sequence[Span], by: Sequence[str], user: str | None) -> list[UsageRow]:
        """Statistics summed by span and by the columns in ``by`` (tool, action, user, department).

        A quarter of an hour belongs to the span that contains its start. ``user`` restricts to one user.
        Rows are ordered by span and the columns of ``by`` in their order; '' stands for no user or department.
        """
        ...

    def declines(self, company: str, first: str, last: str, user: str | None) -> list[tuple[str, str, int]]:
        """(reason, tool, count), ordered, summed over the local dates ``first <= day < last``."""
        ...

    def declined_days(self, company: str, first: str, last: str) -> list[tuple[str, str, int]]:
        """(local date, reason, count), ordered, of the local dates ``first <= day < last``."""
        ...

    def keys(self, company: str | None, after: str, limit: int) -> list[ApiKey]:
        """The keys of a company (None: the operator's) that are not revoked, by id."""
        ...

    def people(self, company: str, after: str, limit: int) -> list[Person]:
        """The directory, by user."""
        ...

    def person(self, company: str, user: str) -> Person | None: ...

    # For verifying: everything that a company's ledger must agree with.

    def ledgers(self, after: str, limit: int) -> list[str]:
        """The companies that have an account or an entry, by name."""
        ...

    def differing_columns(self, company: str, after: int, limit: int) -> list[tuple[int, str, object, object]]:
        """Of the entries with a seq after ``after``, at most ``limit``: columns that differ from what the body tells.

        Each as (seq, column, what the column says, what the body tells).
        """
        ...

    def all_rows(self, company: str) -> Rows:
        """Every hold, boost, stage, order and cap, whatever its status, and the sums for caps."""
        ...

    def all_statistics(self, company: str) -> list[tuple[StatisticsKey, Counts]]: ...


class Store(Protocol):
    """A store that has been opened. Thread-safe; at most one transaction at a time may be asked of it."""

    @property
    def is_sandbox(self) -> bool:
        """Whether the clock can be set."""
        ...

    def migrate(self) -> list[str]:
        """Apply what is missing of the numbered migrations, each in one transaction with its record; their names."""
        ...

    def begin(self) -> Transaction: ...

    def snapshot(self) -> Snapshot: ...

    def was_committed(self, batch: str) -> bool:
        """Whether the batch of that id is in the store."""
        ...

    def enter_sandbox(self) -> None:
        """Let the clock be set from now on. Raises ``Invalid`` on a store with companies made without it."""
        ...

    def set_clock(self, now: int) -> None:
        """Set the sandbox clock, for every process that shares the store; it stands still there."""
        ...

    def secret(self) -> bytes:
        """32 random bytes made with the store, the key of the API keys' hashes."""
        ...

    def find_key(self, hashed: str) -> ApiKey | None:
        """The key of that hash, unless it is revoked."""
        ...

    def add_key(self, key: ApiKey) -> None:
        """Add an API key. Does nothing where its hash is there already."""
        ...

    def revoke_key(self, company: str | None, key: str, now: int) -> bool:
        """Revoke an API key; False where there is none of that id."""
        ...

    def put_person(self, company: str, user: str, changes: Mapping[str, str | None]) -> tuple[Person, bool]:
        """Add a person, or change what is named (``name``, ``email``, ``department``); and whether it was added."""
        ...

    def erase_person(self, company: str, user: str) -> bool:
        """Erase a person; False where there is none. What was replaced or erased is not left in gaps of a file."""
        ...

    def catalogues(self) -> list[StoredCatalogue]:
        """All of them, oldest first."""
        ...

    def plans_in_use(self) -> list[str]:
        """The plans that companies have, or will have by a scheduled change, by name."""
        ...

    def add_catalogue(
        self, catalogue: StoredCatalogue, *, newest: int | None = None, plans: Collection[str] | None = None
    ) -> StoredCatalogue:
        """Add a catalogue with the next number, once no transaction runs.

        ``loaded_at`` is read from the clock then, and ``effective_at`` becomes the later of the given one and it,
        except for the first catalogue of a store, which keeps the given one. One of the same version is returned as
        it is stored, and nothing is added. ``newest``: the number of the newest catalogue that the caller has
        compared this one with; ``Overtaken`` where there is another by now. ``plans``: those that it has;
        ``PlansInUse`` where companies have others. No company changes its plan between that look and the adding.
        """
        ...

    def ping(self) -> None:
        """Raise ``StoreUnavailable`` where the store cannot be written to."""
        ...

    def close(self) -> None: ...


__all__ = [
    "ApiKey", "Batch", "CommitUnknown", "Conflict", "Entry", "EntryFilter", "Loading", "Overtaken", "PlansInUse",
    "Remembered", "Rows", "Snapshot", "Store", "StoredCatalogue", "Transaction", "Unreadable", "UsageRow", "Want",
]  # fmt: skip
