"""The contract of a store. Two keep it: ``kvota.stores.sqlite`` and ``kvota.stores.postgres``.

A store keeps rows and decides nothing. Writing goes through one ``Transaction`` for a whole batch of commands:
``lock`` the accounts, read the ``clock``, ``load`` what the commands name, ``save``, ``commit``. Reading goes through a
``Snapshot``: one consistent view, no locks.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from kvota.acts import Act
from kvota.core.account import Account, Counts, Hold, Order, StatisticsKey
from kvota.core.appeals import Appeal, AppealStatus
from kvota.core.people import Person
from kvota.core.periods import Span
from kvota.core.state import Written
from kvota.outbox import Outbox
from kvota.portals import Portals
from kvota.records import (
    ApiKey,
    Batch,
    EntryFilter,
    LedgerRow,
    Remembered,
    Rows,
    StoredCatalogue,
    UsageFilter,
    UsageRow,
    Want,
)
from kvota.sign_ins import SignIns


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

    def levels_version(self) -> int:
        """Grows whenever a company's levels are changed; 0 where none ever were. Read together with the clock."""
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

    def view(self) -> "Snapshot":
        """What a snapshot answers, asked of this transaction: what it has saved is there."""
        ...

    def forget(self, company: str) -> None:
        """Remove what can be made again from the entries: holds, boosts, stages, caps, statistics, sums for caps.

        The account stays: its row is what others wait for.
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

    def entries_before(self, company: str, which: EntryFilter, before: int, limit: int) -> list[Written]:
        """The last ones with a seq below ``before``, the newest first."""
        ...

    def holds(self, company: str, status: str | None, after: str, limit: int) -> list[Hold]:
        """By id."""
        ...

    def orders(self, company: str, after: str, limit: int) -> list[Order]:
        """By id."""
        ...

    def pending_orders(self, after: tuple[str, str], limit: int) -> list[Order]:
        """Of all companies, by company and id; ``after`` is such a pair."""
        ...

    def usage(self, company: str, spans: Sequence[Span], by: Sequence[str], which: UsageFilter) -> list[UsageRow]:
        """Statistics summed by span and by the columns in ``by`` (tool, action, user, department).

        A quarter of an hour belongs to the span that contains its start. ``which`` restricts to what it names.
        Rows are ordered by span and the columns of ``by`` in their order; '' stands for no user or department.
        """
        ...

    def quarters(self, company: str, span: Span, which: UsageFilter) -> list[tuple[int, Counts]]:
        """Statistics of each quarter of an hour that begins in the span and has any, in order."""
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

    def appeals(self, company: str, status: str | None, user: str | None, after: str, limit: int) -> list[Appeal]:
        """By id, which is by age."""
        ...

    def answered_appeals(self, company: str, user: str | None, limit: int) -> list[Appeal]:
        """Those that are not open, newest first."""
        ...

    def appeal(self, company: str, name: str) -> Appeal | None: ...

    def acts(self, company: str | None, before: str, limit: int) -> list[Act]:
        """What operators did (to one company), newest first: those whose id is less than ``before``, '' for all."""
        ...

    # For verifying: everything that a company's ledger must agree with.

    def ledgers(self, after: str, limit: int) -> list[str]:
        """The companies that any table of a ledger names, by name."""
        ...

    def ledger(self, company: str, after: int, limit: int) -> list[LedgerRow]:
        """The rows of the entries by seq, also those that cannot be read."""
        ...

    def count_holds(self, company: str) -> int: ...

    def all_rows(self, company: str) -> Rows:
        """Every boost, stage, order and cap, whatever its status, and the sums for caps."""
        ...

    def all_statistics(self, company: str, start: int = ..., end: int = ...) -> list[tuple[StatisticsKey, Counts]]:
        """By key; only those with ``start <= quarter < end`` where that is given."""
        ...


class Store(SignIns, Portals, Outbox, Protocol):
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

    def note(self, act: Act) -> None:
        """Note what an operator did that writes nothing else."""
        ...

    # ``act``: what an operator does with it, noted in the same transaction where anything is written.

    def add_key(self, key: ApiKey, act: Act | None = None) -> None:
        """Add an API key. Does nothing where its hash is there already."""
        ...

    def revoke_key(self, company: str | None, key: str, now: int, act: Act | None = None) -> bool:
        """Revoke an API key; False where there is none of that id."""
        ...

    def put_person(
        self, company: str, user: str, changes: Mapping[str, str | None], act: Act | None = None
    ) -> tuple[Person, bool]:
        """Add a person, or change what is named (``name``, ``email``, ``department``); and whether it was added."""
        ...

    def erase_person(self, company: str, user: str, act: Act | None = None) -> bool:
        """Erase a person and his appeals; False where there is neither.

        What was replaced or erased is not left in gaps of a file.
        """
        ...

    def put_appeal(self, appeal: Appeal) -> Appeal:
        """Add an open appeal, and the event of it. Where one of that user is open, it says what the new one says."""
        ...

    def close_appeal(
        self,
        company: str,
        name: str,
        *,
        status: AppealStatus,
        at: int,
        by: str,
        answer: str | None,
        set_cap: str | None,
        order: str | None,
    ) -> Appeal | None:
        """Close an open appeal, and return it as it is then; one that has ended stays as it is. None where none is."""
        ...

    def catalogues(self) -> list[StoredCatalogue]:
        """All of them, oldest first."""
        ...

    def plans_in_use(self) -> list[str]:
        """The plans that companies have, or will have by a scheduled change, by name."""
        ...

    def add_catalogue(
        self,
        catalogue: StoredCatalogue,
        *,
        newest: int | None = None,
        plans: Collection[str] | None = None,
        act: Act | None = None,
    ) -> StoredCatalogue:
        """Add a catalogue with the next number, once no transaction runs.

        ``loaded_at`` is read from the clock then, and ``effective_at`` becomes the later of the given one and it,
        except for the first catalogue of a store, which keeps the given one. One of the same version is returned as
        it is stored, and nothing is added. ``newest``: the number of the newest catalogue that the caller has
        compared this one with; ``Overtaken`` where there is another by now. ``plans``: those that it has;
        ``PlansInUse`` where companies have others. No company changes its plan between that look and the adding.
        """
        ...

    def backup(self, path: str) -> None:
        """Write all of the store, as of one instant, into a new file; others go on reading and writing meanwhile.

        Raises ``Invalid`` where the file is there already, and where the database has a tool of its own for it.
        """
        ...

    def ping(self) -> None:
        """Raise ``StoreUnavailable`` where the store cannot be written to."""
        ...

    def close(self) -> None: ...


__all__ = [
    "ApiKey", "Batch", "CommitUnknown", "Conflict", "EntryFilter", "LedgerRow", "Loading", "Overtaken",
    "PlansInUse", "Remembered", "Rows", "Snapshot", "Store", "StoredCatalogue", "Transaction", "Unreadable",
    "UsageFilter", "UsageRow", "Want",
]  # fmt: skip
