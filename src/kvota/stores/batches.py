"""Loading and saving as lists of statements with their parameters; a session runs such a list in one go."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from kvota.core.account import SpendingKey
from kvota.core.periods import Span
from kvota.store import Batch, Rows, Want
from kvota.stores import dialect as sql
from kvota.stores.dialect import Dialect
from kvota.stores.rows import (
    ACCOUNTS,
    ACTS,
    BOOSTS,
    CAPS,
    EVENTS,
    HOLDS,
    ORDERS,
    REPLIES,
    STAGES,
    Row,
    document,
    entry_row,
    moving_rows,
    read_charge,
    read_levels,
    read_reply,
    reply_row,
)


class Statement(NamedTuple):
    """SQL and its parameters."""

    sql: str
    parameters: Sequence[object] = ()


class Session(Protocol):
    """One connection to a database."""

    def run(self, statements: Sequence[Statement]) -> list[list[Row]]:
        """Run the statements in order; the rows of each. Raises ``Conflict`` or ``StoreUnavailable``."""
        ...


def _read_slot(row: Row) -> tuple[str, int, int]:
    company, slot, at = row
    return company, slot, at


def _read_department(row: Row) -> tuple[str, str, str]:
    company, user, department = row
    return company, user, department


def read_spending(row: Row) -> tuple[str, SpendingKey, int]:
    """The sum for caps of a row."""
    company, kind, name, since, amount = row
    return company, SpendingKey(kind, name, since), amount


_READERS: dict[str, tuple[str, Callable[[Row], Any]]] = {
    "keys": ("remembered", read_reply),
    "holds": ("holds", HOLDS.read),
    "charges": ("charges", read_charge),
    "subjects": ("stages", STAGES.read),
    "orders": ("orders", ORDERS.read),
    "boosts": ("boosts", BOOSTS.read),
    "caps": ("caps", CAPS.read),
    "due": ("holds", HOLDS.read),
    "funds": ("boosts", BOOSTS.read),
    "all_boosts": ("boosts", BOOSTS.read),
    "all_holds": ("holds", HOLDS.read),
    "slots": ("slots", _read_slot),
    "spending": ("spending", read_spending),
    "departments": ("departments", _read_department),
    "levels": ("levels", read_levels),
}
_BARE = {"caps", "all_boosts", "all_holds", "levels"}


class Statements:
    """The statements of both directions in one dialect, made once."""

    def __init__(self, dialect: Dialect) -> None:
        self._loads = {name: dialect.lookup(*lookups) for name, lookups in sql.LOADS.items()}
        self._insert = {table.name: dialect.insert(table) for table in (ACCOUNTS, REPLIES, ACTS)}
        self._upsert = {table.name: dialect.upsert(table) for table in (ACCOUNTS, HOLDS, BOOSTS, STAGES, ORDERS, CAPS)}
        self._move_accounts, self._insert_entries = dialect.sql(sql.MOVE_ACCOUNTS), dialect.sql(sql.INSERT_ENTRIES)
        self._add_statistics = dialect.sql(sql.ADD_STATISTICS)
        self._add_spending = dialect.sql(sql.ADD_SPENDING)
        self._add_declines = dialect.sql(sql.ADD_DECLINES)
        self._delete_stages = dialect.sql(sql.DELETE_STAGES)
        self._delete_caps = dialect.sql(sql.DELETE_CAPS)
        self._delete_spending = dialect.sql(sql.DELETE_SPENDING)
        self._rebuild_spending = dialect.sql(sql.REBUILD_SPENDING.format(days=dialect.looked_up(*sql.DAYS)))
        self._forget = [dialect.sql(text) for text in sql.FORGET]
        self.add_events = dialect.insert(EVENTS) + " ON CONFLICT (company, period, kind, topic) DO NOTHING"
        self._insert_batch = dialect.sql(sql.INSERT_BATCH)

    def load(self, session: Session, want: Want) -> Rows:
        """Run one query for each list that is not empty."""
        names: list[str] = []
        statements: list[Statement] = []
        for name, text in self._loads.items():
            asked: list[Any] = getattr(want, name)
            if asked:
                wanted = document([[company] for company in asked] if name in _BARE else asked)
                names.append(name)
                statements.append(Statement(text, [wanted] * len(sql.LOADS[name])))
        found = Rows()
        for name, rows in zip(names, session.run(statements) if statements else [], strict=True):
            into, read = _READERS[name]
            values = getattr(found, into)
            values += [value for row in rows if (value := read(row)) is not None]
        return found

    def rebuild_spending(self, company: str, days: Iterable[Span]) -> list[Statement]:
        """Make the sums for caps of a company anew."""
        wanted = document(list(days))
        return [
            Statement(self._delete_spending, [document([[company]])]),
            Statement(self._rebuild_spending, [wanted, company, wanted, company, company]),
        ]

    def forget(self, company: str) -> list[Statement]:
        """Remove what can be made again from the entries of a company."""
        return [Statement(text, [company]) for text in self._forget]

    def save(self, batch: Batch) -> list[Statement]:
        """Write the batch. New accounts come in one order: two processes may be making the same."""
        created = sorted(batch.created, key=lambda account: account.company)
        standing = [row for row in batch.stages if row.standing]
        fallen = [(row.company, row.subject, row.stage) for row in batch.stages if not row.standing]
        lists: list[tuple[str, Sequence[object]]] = [
            (self._insert["accounts"], created),
            (self._upsert["accounts"], batch.accounts),
            (self._move_accounts, moving_rows(batch.moved)),
            (self._insert_entries, [entry_row(written) for written in batch.entries]),
            (self._upsert["holds"], batch.holds),
            (self._upsert["boosts"], batch.boosts),
            (self._upsert["stages"], standing),
            (self._delete_stages, fallen),
            (self._upsert["orders"], batch.orders),
            (self._upsert["caps"], batch.caps),
            (self._delete_caps, batch.caps_gone),
            (self._delete_spending, [[company] for company in batch.spending_gone]),
            (
                self._add_statistics,
                [
                    (company, *key, counts.calls, counts.requests, counts.refunded, counts.written_off)
                    for company, key, counts in batch.statistics
                ],
            ),
            (self._add_spending, [(company, *key, amount) for company, key, amount in batch.spending]),
            (self._add_declines, [(company, *key, count) for company, key, count in batch.declines]),
            (self._insert["replies"], [reply_row(one) for one in batch.remembered]),
            (self.add_events, batch.events),
            (self._insert["acts"], batch.acts),
        ]
        statements = [Statement(text, [document(rows)]) for text, rows in lists if rows]
        statements.append(Statement(self._insert_batch, [batch.id, batch.at]))
        return statements
