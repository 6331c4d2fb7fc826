"""Stores with millions of entries in minutes: a few histories, written out under many names.

The histories are made by the engine (``bench.history``). Their rows are copied for each company with its name in them,
and with the hashes that this makes: so every ledger is a valid one, and ``verify`` says so. The fingerprints of the
idempotency keys are the only thing that is not renamed.
"""

import contextlib
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, LiteralString, Protocol, cast

import apsw
import psycopg

from bench.history import make
from bench.stores import company
from kvota.settings import Settings
from kvota.wiring import open_meter

TABLES = ("entries", "accounts", "holds", "boosts", "stages", "statistics", "replies")
"""What such a history leaves; the entries first, because an account carries the hash of its last one."""
PATTERNS = 8
EACH = 1000
TOGETHER = 200
Row = Sequence[Any]


class Writer(Protocol):
    """Takes rows of a table."""

    def __call__(self, table: str, columns: Sequence[str], rows: Iterator[Row]) -> None: ...


def make_history(path: Path, catalogue: str, largest: int, *, patterns: int = PATTERNS) -> None:
    """Make the file that stores are filled from: a few patterns, and one company with so many entries."""
    companies = {f"pattern-{n}": EACH for n in range(patterns)}
    make(path, catalogue, int(time.time() * 1000), {**companies, company(0): largest})


def fill_with_history(url: str, catalogue: str, history: Path, companies: range) -> int:
    """Fill a new store with the companies of these numbers; returns how many entries there are.

    The first, ``company-00000``, has the large ledger of the history, each other company a thousand entries.
    """
    open_meter(Settings(store=url, catalogue=catalogue)).close()
    with contextlib.closing(apsw.Connection(str(history), flags=apsw.SQLITE_OPEN_READONLY)) as source:
        lengths = {str(name): int(str(seq)) for name, seq in source.execute("SELECT company, seq FROM accounts")}
        names = sorted(lengths.keys() - {company(0)})
        patterns = [Pattern(source, name) for name in names]
        with _writer(url) as write:
            if 0 in companies:
                for table in TABLES:
                    write(table, columns(source, table), rows_of(source, table, company(0)))
            others = [n for n in companies if n]
            for first in range(0, len(others), TOGETHER):
                copies = [(patterns[n % len(patterns)], company(n)) for n in others[first : first + TOGETHER]]
                heads: dict[str, str] = {}
                for table in TABLES:
                    rows = (row for pattern, name in copies for row in pattern.renamed(table, name, heads))
                    write(table, columns(source, table), rows)
    return sum(lengths[names[n % len(names)] if n else company(0)] for n in companies)


def columns(source: apsw.Connection, table: str) -> list[str]:
    """The columns of a table that are not generated."""
    found = source.execute("SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0", (table,))
    return [str(name) for (name,) in found]


def rows_of(source: apsw.Connection, table: str, name: str) -> Iterator[Row]:
    """The rows of a company."""
    names = ", ".join(f'"{one}"' for one in columns(source, table))
    order = " ORDER BY seq" if table == "entries" else ""
    return iter(source.execute(f"SELECT {names} FROM {table} WHERE company = ?{order}", (name,)))


class Pattern:
    """One company's rows, to be written under other names."""

    def __init__(self, source: apsw.Connection, name: str) -> None:
        self._rows = {table: list(rows_of(source, table, name)) for table in TABLES}
        self._mark = f'"company":"{name}"'
        self._hash = columns(source, "accounts").index("hash")

    def renamed(self, table: str, name: str, heads: dict[str, str]) -> Iterator[Row]:
        """The rows of a table under that name; ``heads`` takes the last hashes from entries to accounts."""
        mark = f'"company":"{name}"'
        if table == "entries":
            previous = b""
            for _, *middle, _, body in self._rows[table]:
                text = body.replace(self._mark, mark, 1)
                digest = sha256(previous + text.encode())
                previous = digest.digest()
                yield (name, *middle, digest.hexdigest(), text)
            heads[name] = previous.hex()
        elif table == "accounts":
            for row in self._rows[table]:
                yield (name, *row[1 : self._hash], heads[name], *row[self._hash + 1 :])
        elif table == "replies":
            for _, *middle, reply in self._rows[table]:
                yield (name, *middle, reply.replace(self._mark, mark, 1))
        else:
            for row in self._rows[table]:
                yield (name, *row[1:])


def _writer(url: str) -> AbstractContextManager[Writer]:
    return _sqlite(url.removeprefix("sqlite:///")) if url.startswith("sqlite:") else _postgres(url)


@contextmanager
def _sqlite(path: str) -> Iterator[Writer]:
    connection = apsw.Connection(path)
    connection.execute("PRAGMA synchronous = OFF; PRAGMA cache_size = -262144; PRAGMA journal_mode = OFF")

    def write(table: str, names: Sequence[str], rows: Iterator[Row]) -> None:
        texts = ", ".join(f'"{name}"' for name in names), ", ".join("?" * len(names))
        with connection:
            connection.executemany(f"INSERT INTO {table} ({texts[0]}) VALUES ({texts[1]})", rows)

    yield write
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()


@contextmanager
def _postgres(url: str) -> Iterator[Writer]:
    with psycopg.connect(url) as connection:

        def write(table: str, names: Sequence[str], rows: Iterator[Row]) -> None:
            texts = ", ".join(f'"{name}"' for name in names)
            with connection.cursor().copy(cast(LiteralString, f"COPY {table} ({texts}) FROM STDIN")) as copy:
                for row in rows:
                    copy.write_row(row)
            connection.commit()

        yield write
        connection.autocommit = True
        connection.execute("VACUUM (ANALYZE)")
