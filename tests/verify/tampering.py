"""A database that somebody tampers with, behind the back of its constraints, and that can be put back as it was.

What there is to tamper with is asked of the database itself: a new table or column is covered by being there.
"""

import random
import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

import apsw
import psycopg

NO_LEDGER = {
    "schema_migrations": "which migrations were applied; compared with the files at every start",
    "meta": "the key of the API keys' hashes and the sandbox clock",
    "catalogues": "what entries are priced by; each is compared with its file at every start",
    "api_keys": "keys are no entries",
    "batches": "the ids of the last day's transactions, looked at only when an answer of COMMIT was lost",
    "replies": "first replies to keys, as they were given; the entries hold the facts",
    "declines": "declines are counted, but are no entries",
    "people": "people are no entries, so that they can be erased",
    "sign_ins": "who signs in is no entry, and can be removed",
    "links": "links that set a password are no entries",
    "sessions": "sessions are no entries",
    "portals": "portals are no entries",
    "engines": "what portals call is no entry",
    "jobs": "what portals wait for is no entry; its holds and charges are",
    "transcripts": "texts that portals come back for, for a while",
    "notifications": "whom to tell, and at which levels, is no entry",
    "outbox": "what is told once; the entries hold the facts",
    "webhooks": "webhooks are no entries",
    "deliveries": "a log of what was sent",
    "leases": "who does what only one should, for minutes",
    "appeals": "what people ask for is no entry, and can be erased",
    "acts": "what operators did is told beside the ledgers",
}
"""Tables that verifying does not prove, and why."""
NO_ENTRIES = {
    ("orders", name): "orders are no entries; how many there are, and which boost they were credited with, is proven"
    for name in (
        "id", "boost", "amount", "valid_days", "price", "suspends", "ordered_at", "status", "reference", "closed_at",
    )
}  # fmt: skip
"""Columns that verifying does not prove, and why."""


class Column(NamedTuple):
    table: str
    name: str


class Change(NamedTuple):
    """A cell that was changed, with the row's key before and after."""

    column: Column
    before: Any
    after: Any
    key: dict[str, Any]

    @property
    def key_after(self) -> dict[str, Any]:
        return {name: self.after if name == self.column.name else value for name, value in self.key.items()}


class Tampered:
    """One database. ``refusals`` are what it raises for what it cannot hold at all."""

    refusals: tuple[type[Exception], ...] = ()

    def run(self, text: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        raise NotImplementedError

    def tables(self) -> list[str]:
        raise NotImplementedError

    def columns(self, table: str) -> list[str]:
        """All but those that the database computes from the others."""
        raise NotImplementedError

    def key(self, table: str) -> list[str]:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def proven(self) -> list[Column]:
        """The columns that verifying proves: all but those that are named above."""
        return [
            Column(table, name)
            for table in self.tables()
            if table not in NO_LEDGER
            for name in self.columns(table)
            if (table, name) not in NO_ENTRIES
        ]

    def rows(self, table: str) -> list[dict[str, Any]]:
        names = self.columns(table)
        listed = ", ".join(f'"{name}"' for name in names)
        return [dict(zip(names, row, strict=True)) for row in self.run(f"SELECT {listed} FROM {table} ORDER BY 1, 2")]

    def change_a_byte(self, column: Column, chance: random.Random) -> Change:
        """Change one byte of that column in some row to another one."""
        rows = self.rows(column.table)
        while True:
            row = chance.choice(rows)
            change = Change(
                column, row[column.name], changed(row[column.name], chance), {n: row[n] for n in self.key(column.table)}
            )
            try:
                self._set(change, change.key, change.after)
            except self.refusals:
                continue
            return change

    def put_back(self, change: Change) -> None:
        self._set(change, change.key_after, change.before)

    def _set(self, change: Change, key: dict[str, Any], value: object) -> None:
        where = " AND ".join(f'"{name}" = ?' for name in key)
        self.run(f'UPDATE {change.column.table} SET "{change.column.name}" = ? WHERE {where}', [value, *key.values()])

    def delete(self, table: str, row: dict[str, Any]) -> None:
        key = self.key(table)
        where = " AND ".join(f'"{name}" = ?' for name in key)
        self.run(f"DELETE FROM {table} WHERE {where}", [row[name] for name in key])

    def insert(self, table: str, row: dict[str, Any]) -> None:
        names, places = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
        self.run(f"INSERT INTO {table} ({names}) VALUES ({places})", list(row.values()))


class TamperedSqlite(Tampered):
    refusals = (apsw.ConstraintError,)

    def __init__(self, path: str) -> None:
        self._database: Any = apsw.Connection(path)
        self.run("PRAGMA ignore_check_constraints = ON")

    def run(self, text: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        given = [value.decode("latin-1") if isinstance(value, bytes) else value for value in parameters]
        for index, value in enumerate(parameters, 1):
            if isinstance(value, bytes):  # text that may be no UTF-8
                text = _nth_as_text(text, index)
                given[index - 1] = value
        return list(self._database.execute(text, tuple(given)))

    def tables(self) -> list[str]:
        return [name for (name,) in self.run("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]

    def columns(self, table: str) -> list[str]:
        return [name for _, name, _, _, _, _, hidden in self.run(f"PRAGMA table_xinfo({table})") if not hidden]

    def key(self, table: str) -> list[str]:
        return [name for _, name, _, _, _, place in self.run(f"PRAGMA table_info({table})") if place]

    def close(self) -> None:
        self._database.close()


class TamperedPostgres(Tampered):
    refusals = (psycopg.errors.IntegrityError, psycopg.errors.DataError)

    def __init__(self, url: str) -> None:
        self._database = psycopg.connect(url, autocommit=True)
        checks = "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype = 'c' AND conrelid <> 0"
        for table, name in self.run(checks):
            self.run(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')

    def run(self, text: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        given = [_utf8(value) if isinstance(value, bytes) else value for value in parameters]
        cursor = self._database.execute(text.replace("?", "%s"), given or None)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []

    def tables(self) -> list[str]:
        found = self.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        return [name for (name,) in found]

    def columns(self, table: str) -> list[str]:
        text = "SELECT column_name FROM information_schema.columns WHERE table_name = ? AND is_generated = 'NEVER'"
        return [name for (name,) in self.run(text + " ORDER BY ordinal_position", [table])]

    def key(self, table: str) -> list[str]:
        text = (
            "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid "
            "AND a.attnum = ANY(i.indkey) WHERE i.indrelid = CAST(? AS regclass) AND i.indisprimary"
        )
        return [name for (name,) in self.run(text, [table])]

    def close(self) -> None:
        self._database.close()


def tampered(url: str) -> Tampered:
    """The database of a store."""
    return TamperedSqlite(url.removeprefix("sqlite:///")) if url.startswith("sqlite") else TamperedPostgres(url)


def changed(value: object, chance: random.Random) -> object:
    """The value with one byte changed: of its text in UTF-8, or of its eight bytes. Nothing becomes something."""
    if value is None:
        return chance.choice([1, 0]) if chance.random() < 0.5 else b"x"
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        data = bytearray(struct.pack(">q", value))
        data[chance.randrange(8)] ^= chance.randrange(1, 256)
        return struct.unpack(">q", data)[0]
    data = bytearray(str(value).encode())
    if not data:
        return b"x"
    data[chance.randrange(len(data))] ^= chance.randrange(1, 256)
    return bytes(data)


def _utf8(value: bytes) -> str:
    """PostgreSQL itself refuses any other text."""
    try:
        text = value.decode()
    except UnicodeDecodeError as problem:
        raise psycopg.errors.DataError(str(problem)) from problem
    if "\0" in text:
        raise psycopg.errors.DataError("text without NUL")
    return text


def _nth_as_text(text: str, index: int) -> str:
    """The statement with its nth parameter taken as text, whatever its bytes."""
    parts = text.split("?")
    parts[index - 1] += "CAST("
    parts[index] = " AS TEXT)" + parts[index]
    return "?".join(parts)
