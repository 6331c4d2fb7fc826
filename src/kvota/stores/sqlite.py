"""SQLite: one file, one connection that writes, a few that read. Several processes may share the file."""

import os
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Self

from kvota.core.account import Account
from kvota.core.periods import DAY, SECOND, Span
from kvota.errors import Invalid, StoreUnavailable
from kvota.store import Batch, CommitUnknown, Rows, Want
from kvota.stores.batches import Session, Statement, Statements
from kvota.stores.dialect import CLOCK, Present, Sqlite
from kvota.stores.kept_days import KeptDays
from kvota.stores.migrate import Migration, migrate, migrations
from kvota.stores.outbox import OutboxRegistry
from kvota.stores.place import Place, replaced
from kvota.stores.pool import Pool
from kvota.stores.reading import Reading
from kvota.stores.registry import BATCH, once_only
from kvota.stores.rows import ACCOUNTS, document
from kvota.stores.sqlite_link import BUSY_SECONDS, Connection

READERS = 8
CLEAN_EVERY = 256
KNOWN_SECONDS = DAY / SECOND / 2  # a batch is forgotten after a day
LOCK = "SELECT {accounts} FROM $wants CROSS JOIN accounts t WHERE t.company = w.value->>0"
RECORDS = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name TEXT NOT NULL PRIMARY KEY, hash TEXT NOT NULL, applied_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID
"""


class SqliteTransaction:
    """One batch, on the connection that writes."""

    def __init__(self, store: "SqliteStore") -> None:
        self._store = store
        self._present = Present(0, 0, has_departments=False, levels_version=0)
        self._batch: str | None = None

    def __enter__(self) -> Self:
        self._connection = self._store.take_writer()
        try:
            self._present = Present(*self._connection.run([Statement(self._store.clock_sql)])[0][0])
        except BaseException:
            self._store.give_writer_back()
            raise
        return self

    def __exit__(self, *problem: object) -> None:
        self._store.give_writer_back()

    def lock(self, companies: Sequence[str]) -> dict[str, Account]:
        rows = self._connection.run([Statement(self._store.lock_sql, [document([[name] for name in companies])])])[0]
        found = ACCOUNTS.read_all(rows[0][0])
        return {account.company: account for account in found}

    def clock(self) -> int:
        return self._present.now

    def catalogue_number(self) -> int:
        return self._present.catalogue

    def has_departments(self) -> bool:
        return bool(self._present.has_departments)

    def levels_version(self) -> int:
        return self._present.levels_version

    def load(self, want: Want) -> Rows:
        return self._store.statements.load(self._connection, want)

    def rebuild_spending(self, company: str, days: Sequence[Span]) -> None:
        self._connection.run(self._store.statements.rebuild_spending(company, days))

    def view(self) -> Reading:
        return self._store.reading(nullcontext((self._connection, self._present)))

    def forget(self, company: str) -> None:
        self._connection.run(self._store.statements.forget(company))

    def save(self, batch: Batch) -> None:
        self._batch = batch.id
        self._connection.run(self._store.statements.save(batch))
        self._connection.run(self._store.cleaning(self._present.now))

    def commit(self) -> None:
        self._connection.commit()
        self._store.committed(self._batch)
        try:
            self._store.stay_in_place()
        except StoreUnavailable as problem:  # committed, but into what nobody will find
            raise CommitUnknown(str(problem)) from problem


class SqliteStore(OutboxRegistry):
    """A store in a file. ``temporary``: a folder that is removed when the store is closed; nothing in it is synced.

    A store "in memory" is such a folder: readers and the writer then work as they do on a real one, beside each other.
    """

    def __init__(self, path: str, *, temporary: str | None = None) -> None:
        self._dialect = Sqlite()
        self.statements = Statements(self._dialect)
        self._kept = KeptDays()
        self.clock_sql, self.lock_sql = (
            self._dialect.sql(CLOCK),
            self._dialect.sql(LOCK.format(accounts=Sqlite.document(ACCOUNTS))),
        )
        self._path = path
        if not Path(path).parent.is_dir():
            raise StoreUnavailable(f"There is no folder {Path(path).parent} to keep the store in.")
        self._lock = threading.RLock()
        self._is_durable = temporary is None
        self._place: Place
        self._open()
        self._readers = Pool(lambda: Connection(path, is_reader=True), size=READERS)
        self._saves = 0
        self._last: tuple[str | None, float] = None, 0.0
        self._remove = None if temporary is None else weakref.finalize(self, shutil.rmtree, temporary, True)  # noqa: FBT003

    def _open(self) -> None:
        self._writer = Connection(self._path, is_durable=self._is_durable)
        self._writer.script("PRAGMA schema_version")  # the log and its index are made by the first look at the file
        self._place = Place(self._path)

    def stay_in_place(self) -> None:
        """Raise ``StoreUnavailable`` where the file is not in its place any more.

        A log that has been removed is replaced: what it holds is moved into the file first, so that nothing is lost.
        One that another process has replaced, having done so, is opened, and must know what was committed here.
        """
        if self._place.has_log() and not self._writer.is_closed:
            return
        with self._lock:
            if self._place.has_log() and not self._writer.is_closed:
                return
            if self._writer.is_in_transaction:
                raise StoreUnavailable(f"The log of {self._path} has been removed in the middle of a transaction.")
            with self._readers.emptied(timeout_seconds=BUSY_SECONDS):
                self._change_log()

    def _change_log(self) -> None:
        is_replaced, former = self._place.has_another_log(), self._place
        if not self._writer.is_closed:
            if is_replaced:
                self._writer.leave_log()
            else:
                self._writer.empty_log()
            self._writer.close()
        self._open()
        if is_replaced:
            found, self._place = self._place, former  # so that everybody is refused until it is known
            if not self._knows_last():
                raise replaced(f"{self._path}-wal")
            self._place = found

    def committed(self, batch: str | None) -> None:
        """Note the last batch that was committed here."""
        self._last = batch, time.monotonic()

    def _knows_last(self) -> bool:
        batch, at = self._last
        if batch is None or at < time.monotonic() - KNOWN_SECONDS:
            return True
        return bool(self._writer.run([Statement(BATCH, [batch])])[0])

    def _look_around(self) -> None:
        if not self._place.was_fine():
            self.stay_in_place()

    @classmethod
    def in_memory(cls) -> Self:
        """A store that only this object knows, gone when it is closed."""
        folder = tempfile.mkdtemp(prefix="kvota-")
        return cls(f"{folder}/kvota.db", temporary=folder)

    def take_writer(self) -> Connection:
        """The connection that writes, in a transaction of its own; waits for who has it."""
        self._lock.acquire()
        try:
            while True:
                if self._writer.is_closed:  # it could not be opened again when its log had gone
                    self.stay_in_place()
                self._writer.script("BEGIN IMMEDIATE")
                if self._place.has_log():  # from here on nobody else can write, or put another log in its place
                    return self._writer
                self._writer.rollback()
                self.stay_in_place()
        except BaseException:
            self.give_writer_back()
            raise

    def give_writer_back(self) -> None:
        """Roll back what was not committed."""
        try:
            self._writer.rollback()
        finally:
            self._lock.release()

    @contextmanager
    def _reading(self) -> Generator[Session]:
        self._look_around()
        with self._readers.lend() as connection:
            yield connection

    @contextmanager
    def _writing(self, *, exclusively: bool = False) -> Generator[Session]:  # noqa: ARG002 - SQLite has one writer
        with once_only():
            writer = self.take_writer()
            try:
                yield writer
                writer.commit()
                self.stay_in_place()
            except CommitUnknown as problem:
                raise StoreUnavailable(str(problem)) from problem
            finally:
                self.give_writer_back()

    @contextmanager
    def _forgetting(self) -> Generator[Session]:
        """Wiping costs a write of each page that is given back: for the few tables that need it."""
        with self._writing() as writer:
            self._writer.script("PRAGMA secure_delete = ON")
            try:
                yield writer
            finally:
                self._writer.script("PRAGMA secure_delete = OFF")

    @contextmanager
    def _view(self) -> Generator[tuple[Session, Present]]:
        self._look_around()
        with once_only(), self._readers.lend() as connection:
            try:
                connection.script("BEGIN")
                yield connection, Present(*connection.run([Statement(self.clock_sql)])[0][0])
            finally:
                connection.rollback()

    def cleaning(self, now: int) -> list[Statement]:
        """Now and then: forget some of the batches that are older than a day."""
        self._saves += 1
        if self._saves % CLEAN_EVERY:
            return []
        text = "DELETE FROM batches WHERE id IN (SELECT id FROM batches WHERE at < ? ORDER BY at LIMIT ?)"
        return [Statement(text, [now - DAY, 8 * CLEAN_EVERY])]

    def begin(self) -> SqliteTransaction:
        return SqliteTransaction(self)

    def snapshot(self) -> Reading:
        return self.reading(self._view(), self._kept)

    def backup(self, path: str) -> None:
        """One reading transaction: nobody waits. What was deleted is not in it. It bears its name once it is whole."""
        target = Path(path)
        if target.exists():
            raise Invalid(f"There is a file {path} already, and it is not overwritten. Name a new one.")
        if not target.parent.is_dir():
            raise Invalid(f"There is no folder {target.parent} to write the backup into.")
        part = target.with_name(target.name + ".part")
        try:
            part.unlink(missing_ok=True)
            with self._readers.lend() as connection:
                connection.run([Statement("VACUUM INTO ?", [str(part)])])
            with part.open("rb") as written:
                os.fsync(written.fileno())
            part.rename(target)
        except OSError as problem:
            raise StoreUnavailable(f"The backup {path} cannot be written: {problem}.") from problem
        finally:
            part.unlink(missing_ok=True)

    def reading(self, view: AbstractContextManager[tuple[Session, Present]], kept: KeptDays | None = None) -> Reading:
        """What is asked of a view that somebody has taken; ``kept`` only for one of what is committed."""
        return Reading(view, self._dialect, self.statements, kept)

    # Migrating: this store is its own target.

    def migrate(self) -> list[str]:
        done = migrate(self, migrations("sqlite"))
        self._make_secret()
        return done

    @contextmanager
    def exclusively(self) -> Generator[None]:
        """One transaction of the connection that writes."""
        with self._writing():
            self._writer.script(RECORDS)
            yield

    def applied(self) -> dict[str, str]:
        """The recorded migrations, with their hashes."""
        rows = self._writer.run([Statement("SELECT name, hash FROM schema_migrations")])[0]
        return {name: digest for name, digest in rows}  # noqa: C416 - dict() of rows is not typed

    def apply(self, migration: Migration) -> None:
        """Run a migration and record it."""
        self._writer.script(migration.text)
        text = f"INSERT INTO schema_migrations (name, hash, applied_at) VALUES (?, ?, {self._dialect.sql('$now')})"  # noqa: S608
        self._writer.run([Statement(text, [migration.name, migration.hash])])

    def close(self) -> None:
        self._readers.close()
        with self._lock:
            self._writer.close()
        if self._remove is not None:
            self._remove()
