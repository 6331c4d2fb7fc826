"""The statements that both databases run, and the few places where their SQL differs.

Texts use ``?`` for a parameter and ``$name`` for the columns of the rows ``t`` of a table (``$bare_name``: of its rows,
whatever they are called). ``$wants`` is the list of rows that a JSON parameter brings: arrays, whose elements are
``w.value->>0``, ``w.value->>1`` … ``$now`` is the database's clock in milliseconds; ``$skip_locked`` has a subquery
pass over rows that another process is taking. Nothing that a caller sent ever gets into a text.
"""

from string import Template
from typing import Any, NamedTuple, get_args

import msgspec

from kvota.core.account import MOVING, Account
from kvota.stores.rows import ENTRIES, TABLES, EntryRow, Table


def _names(table: Table[Any], prefix: str = "") -> str:
    return ", ".join(f'{prefix}"{name}"' for name in table.columns)


def _cast(row: type[msgspec.Struct], name: str, at: int) -> str:
    """An element of an array as the column of a value."""
    is_text = str in get_args(row.__annotations__[name]) or row.__annotations__[name] is str
    return f"w.value->>{at}" if is_text else f"CAST(w.value->>{at} AS bigint)"


INDEXED_AFTER = 5000
"""The partial indexes for filtered lists of entries begin after this one."""
_COLUMNS = {
    prefix + table.name: _names(table, alias) for table in TABLES for prefix, alias in (("", "t."), ("bare_", ""))
}
_INSERT = Template("INSERT INTO $table ($names) SELECT $values FROM $records WHERE true")
_REPLACE = Template(" ON CONFLICT ($key) DO UPDATE SET $changes")


class Lookup(NamedTuple):
    """Rows ``t`` of a table that are looked up by an index for each row ``w`` of a list."""

    columns: str
    table: str
    condition: str


class Dialect:
    """How one database spells what the other spells differently."""

    takes_one_index = False
    """Whether a table is reached by one index at most, however many would help."""

    def __init__(self, *, parameter: str, wants: str, now: str, skip_locked: str) -> None:
        self.parameter, self._wants, self._now = parameter, wants, now
        self._skip_locked = skip_locked

    def sql(self, text: str) -> str:
        """The statement as this database wants it."""
        return (
            Template(text)
            .substitute(_COLUMNS, wants=self._wants, now=self._now, skip_locked=self._skip_locked)
            .replace("?", self.parameter)
        )

    def lookup(self, *lookups: Lookup) -> str:
        """The statement that brings the rows of one or several lookups; each takes the list as a parameter."""
        return self.sql(self.looked_up(*lookups))

    def looked_up(self, *lookups: Lookup) -> str:
        """The text of such a statement, for use in another one."""
        return " UNION ALL ".join(self._lookup(one) for one in lookups)

    def _lookup(self, one: Lookup) -> str:
        raise NotImplementedError

    def records(self, table: Table[Any]) -> tuple[str, str]:
        """What takes a JSON document of rows apart: the source, and its columns."""
        raise NotImplementedError

    def insert(self, table: Table[Any]) -> str:
        """Add rows; one of the same key is an error."""
        records, values = self.records(table)
        text = _INSERT.substitute(table=table.name, names=_names(table), values=values, records=records)
        return text.replace("?", self.parameter)

    def upsert(self, table: Table[Any]) -> str:
        """Add rows, or replace those of the same key."""
        changes = ", ".join(f'"{name}" = excluded."{name}"' for name in table.columns if name not in table.key)
        return self.insert(table) + _REPLACE.substitute(key=", ".join(table.key), changes=changes)


class Sqlite(Dialect):
    """Documents are taken apart by ``jsonb_each``: parsed once, where ``json_each`` parses a row for each column."""

    takes_one_index = True

    def __init__(self) -> None:
        super().__init__(
            parameter="?",
            wants="jsonb_each(?) w",
            now="CAST(unixepoch('subsec') * 1000 + 0.5 AS bigint)",
            skip_locked="",
        )

    def _lookup(self, one: Lookup) -> str:
        # CROSS JOIN: SQLite keeps the order of the two
        return f"SELECT {one.columns} FROM $wants CROSS JOIN {one.table} t WHERE {one.condition}"  # noqa: S608 - ours

    def records(self, table: Table[Any]) -> tuple[str, str]:
        """Rows of a document: objects."""
        return "jsonb_each(?) w", ", ".join(f"w.value->>'{name}'" for name in table.columns)

    @staticmethod
    def document(table: Table[Any]) -> str:
        """The rows ``t`` as one JSON document: for each row it steps to, apsw gives the interpreter's lock away."""
        fields = (
            f"'{name}', " + (f"json(t.{name})" if name in table.as_json else f't."{name}"') for name in table.columns
        )
        return f"json_group_array(json_object({', '.join(fields)}))"


class Postgres(Dialect):
    """Documents are taken apart by ``json_populate_recordset``, which knows the columns' types."""

    def __init__(self) -> None:
        super().__init__(
            parameter="%s",
            wants="jsonb_array_elements(?::jsonb) AS w(value)",
            now="CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS bigint)",
            skip_locked="FOR UPDATE SKIP LOCKED",
        )

    def _lookup(self, one: Lookup) -> str:
        # OFFSET 0: PostgreSQL guesses at the length of the list, and might otherwise read the table first
        rows = f"SELECT t.* FROM {one.table} t WHERE {one.condition} OFFSET 0"  # noqa: S608 - ours
        return f"SELECT {one.columns} FROM $wants CROSS JOIN LATERAL ({rows}) t"  # noqa: S608 - ours

    def records(self, table: Table[Any]) -> tuple[str, str]:
        """Rows of a document: objects."""
        return f"json_populate_recordset(NULL::{table.name}, ?::json)", _names(table)


class Present(NamedTuple):
    """What every batch and every snapshot begins with: a row of ``CLOCK``."""

    now: int
    catalogue: int
    has_departments: bool
    levels_version: int


# The clock (where it was set, in a sandbox), the number of the newest catalogue, and whether anybody has a department:
# where nobody has, no call is looked up in the directory. The comparison leads into the index, and ends at its first.
# And how often levels were set: until they are again, nobody's are looked up.
CLOCK = """
SELECT coalesce((SELECT CAST(value AS bigint) FROM meta WHERE name = 'sandbox_clock'), $now),
       coalesce((SELECT max(number) FROM catalogues), 0),
       EXISTS (SELECT 1 FROM people WHERE department > ''),
       coalesce((SELECT CAST(value AS bigint) FROM meta WHERE name = 'levels_version'), 0)
"""

# Loading: the rows that a list of ``Want`` names. An entry's number makes it a charge; what refunds it comes along.

_ID = "t.company = w.value->>0 AND t.id = w.value->>1"
_UNTIL = "t.expires_at <= CAST(w.value->>1 AS bigint)"
_REFUND = "SELECT r.body FROM entries r WHERE r.company = t.company AND r.refunds = t.seq AND r.refunds IS NOT NULL"

LOADS: dict[str, tuple[Lookup, ...]] = {
    "keys": (Lookup("$replies", "replies", "t.company = w.value->>0 AND t.key = w.value->>1"),),
    "holds": (Lookup("$holds", "holds", _ID),),
    "charges": (
        Lookup(f"t.body, ({_REFUND})", "entries", "t.company = w.value->>0 AND t.seq = CAST(w.value->>1 AS bigint)"),
    ),
    "subjects": (Lookup("$stages", "stages", "t.company = w.value->>0 AND t.subject = w.value->>1"),),
    "orders": (Lookup("$orders", "orders", _ID),),
    "boosts": (Lookup("$boosts", "boosts", _ID),),
    "caps": (Lookup("$caps", "caps", "t.company = w.value->>0"),),
    "due": (Lookup("$holds", "holds", f"t.company = w.value->>0 AND t.status = 'open' AND {_UNTIL}"),),
    "funds": (
        Lookup("$boosts", "boosts", "t.company = w.value->>0 AND t.has_left"),
        Lookup("$boosts", "boosts", f"t.company = w.value->>0 AND t.status = 'live' AND {_UNTIL} AND NOT t.has_left"),
    ),
    "all_boosts": (Lookup("$boosts", "boosts", "t.company = w.value->>0 AND t.status = 'live'"),),
    "all_holds": (Lookup("$holds", "holds", "t.company = w.value->>0 AND t.status = 'open'"),),
    "slots": (
        Lookup(
            "t.company, t.slot, t.at",
            "entries",
            "t.company = w.value->>0 AND t.slot IS NOT NULL "
            "AND t.slot BETWEEN CAST(w.value->>1 AS bigint) AND CAST(w.value->>2 AS bigint)",
        ),
    ),
    "spending": (
        Lookup(
            "t.company, t.kind, t.name, t.since, t.amount",
            "spending",
            "t.company = w.value->>0 AND t.kind = w.value->>1 AND t.name = w.value->>2 "
            "AND t.since >= CAST(w.value->>3 AS bigint)",
        ),
    ),
    "departments": (
        Lookup(
            't.company, t."user", t.department',
            "people",
            't.company = w.value->>0 AND t."user" = w.value->>1 AND t.department IS NOT NULL',
        ),
    ),
    "levels": (Lookup("t.company, t.levels", "notifications", "t.company = w.value->>0"),),
}

# Saving. Entries and the accounts that they move are many, so they come as arrays: to find a name in an object takes
# longer than to count.

_MOVED = ", ".join(f"{name} = {_cast(Account, name, at)}" for at, name in enumerate(MOVING, 1))
MOVE_ACCOUNTS = f"UPDATE accounts SET {_MOVED} FROM $wants WHERE accounts.company = w.value->>0"  # noqa: S608 - ours
_ENTRY = ", ".join(_cast(EntryRow, name, at) for at, name in enumerate(ENTRIES.columns))
INSERT_ENTRIES = f"INSERT INTO entries ({_names(ENTRIES)}) SELECT {_ENTRY} FROM $wants WHERE true"  # noqa: S608 - ours

# A batch adds differences to the sums for caps, and a CHECK looks at the row that is offered before it meets the one
# that is there: so the sum is made first.

ADD_SPENDING = """
INSERT INTO spending (company, kind, name, since, amount)
SELECT w.value->>0, w.value->>1, w.value->>2, CAST(w.value->>3 AS bigint), CAST(w.value->>4 AS bigint) + coalesce((
    SELECT t.amount FROM spending t
    WHERE t.company = w.value->>0 AND t.kind = w.value->>1 AND t.name = w.value->>2
    AND t.since = CAST(w.value->>3 AS bigint)
), 0)
FROM $wants WHERE true
ON CONFLICT (company, kind, name, since) DO UPDATE SET amount = excluded.amount
"""
ADD_STATISTICS = """
INSERT INTO statistics (company, quarter, tool, action, "user", department, calls, requests, refunded, written_off)
SELECT w.value->>0, CAST(w.value->>1 AS bigint), w.value->>2, w.value->>3, w.value->>4, w.value->>5,
       CAST(w.value->>6 AS bigint), CAST(w.value->>7 AS bigint), CAST(w.value->>8 AS bigint),
       CAST(w.value->>9 AS bigint)
FROM $wants WHERE true
ON CONFLICT (company, quarter, tool, action, "user", department) DO UPDATE SET
    calls = statistics.calls + excluded.calls,
    requests = statistics.requests + excluded.requests,
    refunded = statistics.refunded + excluded.refunded,
    written_off = statistics.written_off + excluded.written_off
"""
ADD_DECLINES = """
INSERT INTO declines (company, day, reason, tool, "user", count)
SELECT w.value->>0, w.value->>1, w.value->>2, w.value->>3, w.value->>4, CAST(w.value->>5 AS bigint)
FROM $wants WHERE true
ON CONFLICT (company, day, reason, tool, "user") DO UPDATE SET count = declines.count + excluded.count
"""
DELETE_STAGES = """
DELETE FROM stages WHERE (company, subject, stage) IN (SELECT w.value->>0, w.value->>1, w.value->>2 FROM $wants)
"""
DELETE_CAPS = "DELETE FROM caps WHERE (company, id) IN (SELECT w.value->>0, w.value->>1 FROM $wants)"
DELETE_SPENDING = "DELETE FROM spending WHERE company IN (SELECT w.value->>0 FROM $wants)"
FORGET = tuple(
    f"DELETE FROM {table} WHERE company = ?"  # noqa: S608 - ours
    for table in ("holds", "boosts", "stages", "caps", "statistics", "spending")
)
INSERT_BATCH = "INSERT INTO batches (id, at) VALUES (?, ?)"

# The days of a company with what was spent, and with what is held since.
DAYS = (
    Lookup(
        """CAST(w.value->>0 AS bigint) AS since, t."user", t.department, t.tool, t.requests - t.refunded AS amount""",
        "statistics",
        "t.company = ? AND t.quarter >= CAST(w.value->>0 AS bigint) AND t.quarter < CAST(w.value->>1 AS bigint)",
    ),
    Lookup(
        """CAST(w.value->>0 AS bigint), coalesce(t."user", ''), coalesce(t.department, ''), t.tool, t.held""",
        "holds",
        "t.company = ? AND t.status = 'open' "
        "AND t.at >= CAST(w.value->>0 AS bigint) AND t.at < CAST(w.value->>1 AS bigint)",
    ),
)
REBUILD_SPENDING = """
WITH parts AS (
    {days}
), sums AS (
    SELECT 'user' AS kind, "user" AS name, since, sum(amount) AS amount FROM parts GROUP BY "user", since
    UNION ALL
    SELECT 'department', department, since, sum(amount) FROM parts GROUP BY department, since
    UNION ALL
    SELECT 'tool', tool, since, sum(amount) FROM parts GROUP BY tool, since
)
INSERT INTO spending (company, kind, name, since, amount)
SELECT CAST(? AS text), kind, name, since, CAST(amount AS bigint) FROM sums WHERE name <> '' AND amount <> 0
"""
