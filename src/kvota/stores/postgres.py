"""PostgreSQL: one connection that writes batches, a few for everything else. Any number of processes share it.

A batch takes three round trips: lock (with the clock), load, and everything that is written together with COMMIT.
"""

import threading
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Self

import psycopg
from psycopg.conninfo import conninfo_to_dict

from kvota.core.account import Account
from kvota.core.periods import DAY, Span
from kvota.errors import Invalid, StoreUnavailable
from kvota.store import Batch, CommitUnknown, Rows, Want
from kvota.stores.batches import Session, Statement, Statements
from kvota.stores.dialect import CLOCK, Postgres, Present
from kvota.stores.kept_days import KeptDays
from kvota.stores.migrate import Migration, migrate, migrations
from kvota.stores.outbox import OutboxRegistry
from kvota.stores.pool import Pool
from kvota.stores.postgres_link import Link
from kvota.stores.reading import Reading
from kvota.stores.registry import once_only
from kvota.stores.rows import ACCOUNTS, Row, document
from kvota.stores.watch import Watch

LINKS = 8
CLEAN_EVERY = 256
MANY = 64
# Transactions share the advisory lock that a new catalogue takes alone; (0x6b766f74, n) is "kvot" and a number.
BEGIN = Statement("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
BEGIN_VIEW = Statement("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
SHARED = Statement("SELECT pg_advisory_xact_lock_shared(1802923892, 1)")
ALONE = Statement("SELECT pg_advisory_xact_lock(1802923892, 1)")
MIGRATING = Statement("SELECT pg_advisory_xact_lock(1802923892, 2)")
LOCK = """
SELECT $accounts FROM accounts t WHERE t.company = ANY(ARRAY(SELECT w.value->>0 FROM $wants))
ORDER BY t.company FOR UPDATE
"""
CLEAN = """
DELETE FROM batches WHERE id IN (
    SELECT id FROM batches WHERE at < %s ORDER BY at LIMIT %s FOR UPDATE SKIP LOCKED
)
"""
RECORDS = """
CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY, hash text NOT NULL, applied_at bigint NOT NULL)
"""


class PostgresTransaction:
    """One batch, on the connection that writes. What is saved is sent together with COMMIT."""

    def __init__(self, store: "PostgresStore") -> None:
        self._store = store
        self._is_begun = False
        self._present = Present(0, 0, has_departments=False, levels_version=0)
        self._saved: list[Statement] = []

    def __enter__(self) -> Self:
        self._store.writer_lock.acquire()
        return self

    def __exit__(self, *problem: object) -> None:
        try:
            if self._is_begun:
                self._link.rollback()
        finally:
            self._store.writer_lock.release()

    def run(self, statements: Sequence[Statement]) -> list[list[Row]]:
        """Run statements, after what was saved before."""
        if not self._is_begun:
            return self._begin(statements)
        waiting, self._saved = self._saved, []
        return self._link.run([*waiting, *statements])[len(waiting) :]

    def _begin(self, statements: Sequence[Statement]) -> list[list[Row]]:
        """Begin, run the statements, then read the clock. A connection that died while idle is replaced once."""
        everything = [BEGIN, SHARED, *statements, Statement(self._store.clock_sql)]
        self._link, is_kept = self._store.writer()
        self._is_begun = True
        try:
            found = self._link.run(everything)
        except StoreUnavailable:
            if not (is_kept and self._link.is_lost):
                raise
            self._link, _ = self._store.writer()
            found = self._link.run(everything)
        self._present = Present(*found[-1][0])
        return found[2:-1]

    def lock(self, companies: Sequence[str]) -> dict[str, Account]:
        wanted = Statement(self._store.lock_sql, [document([[name] for name in companies])])
        if self._is_begun:
            rows, clock = self.run([wanted, Statement(self._store.clock_sql)])
            self._present = Present(*clock[0])
        else:
            rows = self.run([wanted])[0]
        found = [ACCOUNTS.read(row) for row in rows]
        return {account.company: account for account in found}

    def clock(self) -> int:
        if not self._is_begun:
            self.run([])
        return self._present.now

    def catalogue_number(self) -> int:
        if not self._is_begun:
            self.run([])
        return self._present.catalogue

    def has_departments(self) -> bool:
        if not self._is_begun:
            self.run([])
        return self._present.has_departments

    def levels_version(self) -> int:
        if not self._is_begun:
            self.run([])
        return self._present.levels_version

    def load(self, want: Want) -> Rows:
        return self._store.statements.load(self, want)

    def rebuild_spending(self, company: str, days: Sequence[Span]) -> None:
        self.run(self._store.statements.rebuild_spending(company, days))

    def view(self) -> Reading:
        if not self._is_begun:
            self.run([])
        return self._store.reading(nullcontext((self, self._present)))

    def forget(self, company: str) -> None:
        self.run(self._store.statements.forget(company))

    def save(self, batch: Batch) -> None:
        """Keep the statements for ``commit``, or for whatever runs before it: one round trip less under the locks."""
        self._saved += self._store.statements.save(batch)
        if len(self._saved) > MANY:  # who rebuilds saves far more than a batch: it is not kept in memory
            self.run([])

    def commit(self) -> None:
        if not self._is_begun:
            self.run([])
        waiting, self._saved = [*self._saved, *self._store.cleaning(self._present.now)], []
        self._link.commit(waiting)


class PostgresStore(OutboxRegistry):
    """A store in a PostgreSQL database. Connections are made when they are needed."""

    def __init__(self, url: str) -> None:
        try:
            conninfo_to_dict(url)
        except psycopg.ProgrammingError as problem:
            raise Invalid(f"The URL of the PostgreSQL store cannot be read: {problem}") from problem
        self._url = url
        self._dialect = Postgres()
        self.statements = Statements(self._dialect)
        self._kept = KeptDays()
        self.clock_sql, self.lock_sql = self._dialect.sql(CLOCK), self._dialect.sql(LOCK)
        self.writer_lock = threading.Lock()
        self._writer: Link | None = None
        self._watch = Watch()
        self._links = Pool(lambda: Link(url, self._watch), size=LINKS)
        self._saves = 0

    def writer(self) -> tuple[Link, bool]:
        """The connection that writes, and whether it was there before; for who holds ``writer_lock``."""
        if self._writer is not None and not self._writer.is_lost:
            return self._writer, True
        self._writer = Link(self._url, self._watch, is_writer=True)
        return self._writer, False

    @contextmanager
    def _begun(self, *statements: Statement) -> Generator[tuple[Link, list[list[Row]]]]:
        """A lent connection with a transaction that has run the statements; what is not committed is rolled back.

        A connection that died while it was idle is replaced.
        """
        with self._links.lend() as link:
            try:
                found = link.run(statements)
            except StoreUnavailable:
                if not link.is_lost:
                    raise
            else:
                try:
                    yield link, found
                finally:
                    link.rollback()
                return
        with self._links.lend(fresh=True) as link:
            try:
                yield link, link.run(statements)
            finally:
                link.rollback()

    @contextmanager
    def _reading(self) -> Generator[Session]:
        with self._begun(BEGIN_VIEW, Statement("SELECT 1")) as (link, _):
            yield link

    @contextmanager
    def _writing(self, *, exclusively: bool = False) -> Generator[Session]:
        with once_only(), self._begun(BEGIN, *([ALONE] if exclusively else [])) as (link, _):
            yield link
            try:
                link.commit([])
            except CommitUnknown as problem:
                raise StoreUnavailable(str(problem)) from problem

    def _forgetting(self) -> AbstractContextManager[Session]:
        return self._writing()  # old versions of rows are VACUUM's

    @contextmanager
    def _view(self) -> Generator[tuple[Session, Present]]:
        with once_only(), self._begun(BEGIN_VIEW, Statement(self.clock_sql)) as (link, found):
            yield link, Present(*found[1][0])

    def cleaning(self, now: int) -> list[Statement]:
        """Now and then: forget some of the batches that are older than a day, unless another process is doing so."""
        self._saves += 1
        return [] if self._saves % CLEAN_EVERY else [Statement(CLEAN, [now - DAY, 8 * CLEAN_EVERY])]

    def begin(self) -> PostgresTransaction:
        return PostgresTransaction(self)

    def snapshot(self) -> Reading:
        return self.reading(self._view(), self._kept)

    def reading(self, view: AbstractContextManager[tuple[Session, Present]], kept: KeptDays | None = None) -> Reading:
        """What is asked of a view that somebody has taken; ``kept`` only for one of what is committed."""
        return Reading(view, self._dialect, self.statements, kept)

    def backup(self, path: str) -> None:
        """PostgreSQL has a tool for it."""
        raise Invalid(
            f"kvota backup is for SQLite. PostgreSQL has its own tool, which a server may run beside: "
            f"`pg_dump --format custom --file {path} --dbname URL`, and `pg_restore` to get it back. "
            "docs/operations.md shows both."
        )

    def migrate(self) -> list[str]:
        link = Link(self._url, self._watch)
        try:
            done = migrate(_Target(link, self._dialect.sql("$now")), migrations("postgres"))
        finally:
            link.close()
        self._make_secret()
        return done

    def close(self) -> None:
        with self.writer_lock:
            if self._writer is not None:
                self._writer.close()
        self._links.close()
        self._watch.close()


class _Target:
    """The database as what is migrated."""

    def __init__(self, link: Link, now: str) -> None:
        self._link, self._now = link, now

    @contextmanager
    def exclusively(self) -> Generator[None]:
        try:
            self._link.run([BEGIN, MIGRATING, Statement(RECORDS)])
            yield
            self._link.commit([])
        finally:
            self._link.rollback()

    def applied(self) -> dict[str, str]:
        rows = self._link.run([Statement("SELECT name, hash FROM schema_migrations")])[0]
        return {name: digest for name, digest in rows}  # noqa: C416 - dict() of rows is not typed

    def apply(self, migration: Migration) -> None:
        self._link.script(migration.text)
        text = f"INSERT INTO schema_migrations (name, hash, applied_at) VALUES (%s, %s, {self._now})"  # noqa: S608
        self._link.run([Statement(text, [migration.name, migration.hash])])
