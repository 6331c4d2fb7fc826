"""SQLite: one file, one connection that writes, a few that read. Several processes may share the file."""

import contextlib
import os
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Self

import apsw

from kvota.core.account import Account
from kvota.core.periods import DAY, Span
from kvota.errors import Invalid, StoreUnavailable
from kvota.store import Batch, CommitUnknown, Conflict, Rows, Unreadable, Want
from kvota.stores.batches import Session, Statement, Statements
from kvota.stores.dialect import CLOCK, Present, Sqlite
from kvota.stores.kept_days import KeptDays
from kvota.stores.migrate import Migration, migrate, migrations
from kvota.stores.outbox import OutboxRegistry
from kvota.stores.place import Place
from kvota.stores.pool import Pool
from kvota.stores.reading import Reading
from kvota.stores.registry import once_only
from kvota.stores.rows import ACCOUNTS, Row, document

BUSY_SECONDS = 10.0
READERS = 8
CLEAN_EVERY = 256
LOCK = "SELECT {accounts} FROM $wants CROSS JOIN accounts t WHERE t.company = w.value->>0"
# SQLite's own limits are for small devices: a checkpoint after 16 MB of log instead of 4, and more cache. In a store
# that has grown each connection fills its own; what the readers do not find there, the system's cache has.
TUNING = "PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 4000"
WRITER_CACHE, READER_CACHE = "PRAGMA cache_size = -16384", "PRAGMA cache_size = -2048"
RECORDS = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name TEXT NOT NULL PRIMARY KEY, hash TEXT NOT NULL, applied_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID
"""
_IN_THE_WAY = (apsw.BusyError, apsw.LockedError)
_BROKEN = (
    apsw.FullError, apsw.IOError, apsw.ReadOnlyError, apsw.CantOpenError, apsw.CorruptError, apsw.NotADBError,
    apsw.PermissionsError, apsw.AuthError, apsw.NoMemError, apsw.ProtocolError,
)  # fmt: skip
_HELP: dict[type[apsw.Error], str] = {
    apsw.FullError: "Make room on its disk; what was acknowledged is there.",
    apsw.ReadOnlyError: "Let the user of this process write the file and its folder.",
    apsw.CantOpenError: "Let the user of this process read and write the file and its folder.",
    apsw.CorruptError: "It is damaged: put a backup in its place.",
    apsw.NotADBError: "Name another file, or put a backup in its place.",
}
_TAKEN = (apsw.SQLITE_CONSTRAINT_UNIQUE, apsw.SQLITE_CONSTRAINT_PRIMARYKEY, apsw.SQLITE_CONSTRAINT_ROWID)


def _translated(problem: apsw.Error, path: str) -> Exception:
    """The error that the contract of a store knows, or the same one: a defect."""
    if isinstance(problem, _IN_THE_WAY):
        return Conflict(str(problem))
    if isinstance(problem, apsw.ConstraintError) and getattr(problem, "extendedresult", 0) in _TAKEN:
        return Conflict(str(problem))
    if isinstance(problem, _BROKEN):
        return StoreUnavailable(f"SQLite cannot use {path}: {problem}. {_HELP.get(type(problem), '')}".rstrip())
    if isinstance(problem, apsw.SQLError) and "no such table" in str(problem):
        return StoreUnavailable(f"{path} has not been migrated: {problem}.")
    return problem


class Connection:
    """One connection to the file."""

    def __init__(self, path: str, *, is_reader: bool = False, is_durable: bool = True) -> None:
        self.path = path
        flags = apsw.SQLITE_OPEN_READONLY if is_reader else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
        try:
            # Any: the types that come with apsw leave its execute() unknown
            self._connection: Any = apsw.Connection(path, flags=flags)
            self._connection.set_busy_timeout(int(BUSY_SECONDS * 1000))
            if not is_reader:
                self._use_log()
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if is_durable else 'OFF'}; {TUNING}")
            self._connection.execute(READER_CACHE if is_reader else WRITER_CACHE)
        except apsw.Error as problem:
            raise _translated(problem, path) from problem

    def _use_log(self) -> None:
        """Write-ahead logging; two processes that switch it on at once do not wait for each other by themselves."""
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                mode = next(self._connection.execute("PRAGMA journal_mode = WAL"))[0]
            except apsw.BusyError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                break
        if mode != "wal":
            raise StoreUnavailable(f"SQLite cannot keep a write-ahead log beside {self.path}: is it on a local disk?")

    def run(self, statements: Sequence[Statement]) -> list[list[Row]]:
        try:
            return [list(self._connection.execute(text, tuple(given))) for text, given in statements]
        except apsw.Error as problem:
            if "malformed JSON" in str(problem):
                raise Unreadable("a document", str(problem)) from problem
            raise _translated(problem, self.path) from problem
        except UnicodeDecodeError as problem:
            raise Unreadable("a text", f"{problem.object!r} is no UTF-8") from problem

    def script(self, text: str) -> None:
        """Run statements without parameters."""
        try:
            self._connection.execute(text)
        except apsw.Error as problem:
            raise _translated(problem, self.path) from problem

    def commit(self) -> None:
        """Commit. A disk that fails meanwhile leaves it open whether the log holds the transaction."""
        try:
            self._connection.execute("COMMIT")
        except apsw.IOError as problem:
            raise CommitUnknown(f"SQLite could not finish writing {self.path}: {problem}.") from problem
        except apsw.Error as problem:
            raise _translated(problem, self.path) from problem

    def rollback(self) -> None:
        """Leave the transaction, if there is one still."""
        if self._connection.in_transaction:
            with contextlib.suppress(apsw.Error):
                self._connection.execute("ROLLBACK")

    def empty_log(self) -> None:
        """Move everything that the log holds into the file."""
        if self.run([Statement("PRAGMA wal_checkpoint(TRUNCATE)")])[0][0][0]:
            raise StoreUnavailable(f"The log of {self.path} is in use by another process.")

    @property
    def is_usable(self) -> bool:
        return not self._connection.in_transaction

    def close(self) -> None:
        self._connection.close()


class SqliteTransaction:
    """One batch, on the connection that writes."""

    def __init__(self, store: "SqliteStore") -> None:
        self._store = store
        self._present = Present(0, 0, has_departments=False, levels_version=0)

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
        self._connection.run(self._store.statements.save(batch))
        self._connection.run(self._store.cleaning(self._present.now))

    def commit(self) -> None:
        self._connection.commit()
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
        self._open()
        self._readers = Pool(lambda: Connection(path, is_reader=True), size=READERS)
        self._saves = 0
        self._remove = None if temporary is None else weakref.finalize(self, shutil.rmtree, temporary, True)  # noqa: FBT003

    def _open(self) -> None:
        self._writer = Connection(self._path, is_durable=self._is_durable)
        self._writer.script("PRAGMA schema_version")  # the log and its index are made by the first look at the file
        self._place = Place(self._path)

    def stay_in_place(self) -> None:
        """Raise ``StoreUnavailable`` where the file is not in its place any more.

        A log that has been removed is replaced: what it holds is moved into the file first, so that nothing is lost.
        """
        if self._place.has_log():
            return
        with self._lock:
            if self._place.has_log():
                return
            if not self._writer.is_usable:
                raise StoreUnavailable(f"The log of {self._path} has been removed in the middle of a transaction.")
            with self._readers.emptied(timeout_seconds=BUSY_SECONDS):
                self._writer.empty_log()
                self._writer.close()
                self._open()

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
            self._look_around()
            self._writer.script("BEGIN IMMEDIATE")
        except BaseException:
            self._lock.release()
            raise
        return self._writer

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
