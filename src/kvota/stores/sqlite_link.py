"""One connection to a SQLite file: statements, and errors in the words of a store's contract."""

import contextlib
import time
from collections.abc import Sequence
from typing import Any

import apsw

from kvota.errors import StoreUnavailable
from kvota.store import CommitUnknown, Conflict, Unreadable
from kvota.stores.batches import Statement
from kvota.stores.rows import Row

BUSY_SECONDS = 10.0
# SQLite's own limits are for small devices: a checkpoint after 32 MB of log instead of 4 (a page that many charges
# change is moved into the file once), and more cache for who writes. In a store that has grown each connection fills
# its own; what is not found there, the system's cache has.
TUNING = "PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 8000"
WRITER_CACHE, READER_CACHE = "PRAGMA cache_size = -8192", "PRAGMA cache_size = -512"
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
        self.path, self.is_closed = path, False
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
        if self.is_in_transaction:
            with contextlib.suppress(apsw.Error):
                self._connection.execute("ROLLBACK")

    def empty_log(self) -> None:
        """Move everything that the log holds into the file."""
        if self.run([Statement("PRAGMA wal_checkpoint(TRUNCATE)")])[0][0][0]:
            raise StoreUnavailable(f"The log of {self.path} is in use by another process.")

    def leave_log(self) -> None:
        """Do nothing with the log when it is closed: it is another process's by now."""
        self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)

    @property
    def is_in_transaction(self) -> bool:
        return not self.is_closed and self._connection.in_transaction

    @property
    def is_usable(self) -> bool:
        return not self.is_in_transaction

    def close(self) -> None:
        self.is_closed = True
        self._connection.close()
