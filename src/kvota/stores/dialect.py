"""The statements that both databases run, and the few places where their SQL differs.

Texts use ``?`` for a parameter and ``$name`` for a list of columns. ``$wants`` is the list of rows that a JSON
parameter brings: arrays, whose elements are ``w.value->>0``, ``w.value->>1`` … ``$now`` is the database's clock in
milliseconds. Nothing that a caller sent ever gets into a text.
"""

from string import Template
from typing import Any

from kvota.stores.rows import TABLES, Table


def _names(table: Table[Any], prefix: str = "") -> str:
    return ", ".join(f'{prefix}"{name}"' for name in table.columns)


_COLUMNS = {table.name: _names(table, "t.") for table in TABLES}
_INSERT = Template("INSERT INTO $table ($names) SELECT $values FROM $records WHERE true")
_REPLACE = Template(" ON CONFLICT ($key) DO UPDATE SET $changes")


class Dialect:
    """How one database spells what the other spells differently."""

    def __init__(self, *, parameter: str, wants: str, now: str) -> None:
        self.parameter, self._wants, self._now = parameter, wants, now

    def sql(self, text: str) -> str:
        """The statement as this database wants it."""
        return Template(text).substitute(_COLUMNS, wants=self._wants, now=self._now).replace("?", self.parameter)

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

    def __init__(self) -> None:
        super().__init__(parameter="?", wants="jsonb_each(?) w", now="CAST(unixepoch('subsec') * 1000 + 0.5 AS bigint)")

    def records(self, table: Table[Any]) -> tuple[str, str]:
        """Rows of a document: objects."""
        return "jsonb_each(?) w", ", ".join(f"w.value->>'{name}'" for name in table.columns)


class Postgres(Dialect):
    """Documents are taken apart by ``json_populate_recordset``, which knows the columns' types."""

    def __init__(self) -> None:
        super().__init__(
            parameter="%s",
            wants="json_array_elements(?::json) AS w(value)",
            now="CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS bigint)",
        )

    def records(self, table: Table[Any]) -> tuple[str, str]:
        """Rows of a document: objects."""
        return f"json_populate_recordset(NULL::{table.name}, ?::json)", _names(table)


# The clock (where it was set, in a sandbox) and the number of the newest catalogue.
CLOCK = """
SELECT coalesce((SELECT CAST(value AS bigint) FROM meta WHERE name = 'sandbox_clock'), $now),
       coalesce((SELECT max(number) FROM catalogues), 0)
"""

# Loading: each brings the rows that a list of ``Want`` names. The list comes first, and each of its rows is looked up.

LOADS: dict[str, str] = {
    "keys": """
        SELECT $replies FROM $wants CROSS JOIN replies t
        WHERE t.company = w.value->>0 AND t.key = w.value->>1
        """,
    "holds": """
        SELECT $holds FROM $wants CROSS JOIN holds t
        WHERE t.company = w.value->>0 AND t.id = w.value->>1
        """,
    "charges": """
        SELECT t.body, r.body FROM $wants CROSS JOIN entries t
        LEFT JOIN entries r ON r.company = t.company AND r.refunds = t.seq AND r.refunds IS NOT NULL
        WHERE t.company = w.value->>0 AND t.seq = CAST(w.value->>1 AS bigint)
        """,
    "subjects": """
        SELECT $stages FROM $wants CROSS JOIN stages t
        WHERE t.company = w.value->>0 AND t.subject = w.value->>1
        """,
    "orders": """
        SELECT $orders FROM $wants CROSS JOIN orders t
        WHERE t.company = w.value->>0 AND t.id = w.value->>1
        """,
    "boosts": """
        SELECT $boosts FROM $wants CROSS JOIN boosts t
        WHERE t.company = w.value->>0 AND t.id = w.value->>1
        """,
    "caps": """
        SELECT $caps FROM $wants CROSS JOIN caps t
        WHERE t.company = w.value->>0
        """,
    "due": """
        SELECT $holds FROM $wants CROSS JOIN holds t
        WHERE t.company = w.value->>0 AND t.status = 'open' AND t.expires_at <= CAST(w.value->>1 AS bigint)
        """,
    "funds": """
        SELECT $boosts FROM $wants CROSS JOIN boosts t
        WHERE t.company = w.value->>0 AND t.has_left
        UNION ALL
        SELECT $boosts FROM $wants CROSS JOIN boosts t
        WHERE t.company = w.value->>0 AND t.status = 'live' AND t.expires_at <= CAST(w.value->>1 AS bigint)
        AND NOT t.has_left
        """,
    "all_boosts": """
        SELECT $boosts FROM $wants CROSS JOIN boosts t
        WHERE t.company = w.value->>0 AND t.status = 'live'
        """,
    "all_holds": """
        SELECT $holds FROM $wants CROSS JOIN holds t
        WHERE t.company = w.value->>0 AND t.status = 'open'
        """,
    "slots": """
        SELECT t.company, t.slot, t.at FROM $wants CROSS JOIN entries t
        WHERE t.company = w.value->>0 AND t.slot IS NOT NULL
        AND t.slot BETWEEN CAST(w.value->>1 AS bigint) AND CAST(w.value->>2 AS bigint)
        """,
    "spending": """
        SELECT t.company, t.kind, t.name, t.since, t.amount FROM $wants CROSS JOIN spending t
        WHERE t.company = w.value->>0 AND t.kind = w.value->>1 AND t.name = w.value->>2
        AND t.since >= CAST(w.value->>3 AS bigint)
        """,
}

# Saving. A batch adds differences to the sums for caps, and a CHECK looks at the row that is offered before it meets
# the one that is there: so the sum is made first.

ADD_SPENDING = """
INSERT INTO spending (company, kind, name, since, amount)
SELECT w.value->>0, w.value->>1, w.value->>2, CAST(w.value->>3 AS bigint),
       CAST(w.value->>4 AS bigint) + coalesce(t.amount, 0)
FROM $wants LEFT JOIN spending t ON t.company = w.value->>0 AND t.kind = w.value->>1 AND t.name = w.value->>2
                                AND t.since = CAST(w.value->>3 AS bigint)
WHERE true
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
INSERT_BATCH = "INSERT INTO batches (id, at) VALUES (?, ?)"

REBUILD_SPENDING = """
WITH parts AS (
    SELECT CAST(w.value->>0 AS bigint) AS since, t."user", t.department, t.tool, t.requests - t.refunded AS amount
    FROM $wants CROSS JOIN statistics t
    WHERE t.company = ? AND t.quarter >= CAST(w.value->>0 AS bigint) AND t.quarter < CAST(w.value->>1 AS bigint)
    UNION ALL
    SELECT CAST(w.value->>0 AS bigint), coalesce(t."user", ''), coalesce(t.department, ''), t.tool, t.held
    FROM $wants CROSS JOIN holds t
    WHERE t.company = ? AND t.status = 'open'
    AND t.at >= CAST(w.value->>0 AS bigint) AND t.at < CAST(w.value->>1 AS bigint)
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
