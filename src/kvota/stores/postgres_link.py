"""One connection to PostgreSQL: statements in one round trip, and errors in the words of a store's contract."""

import contextlib
from collections.abc import Sequence
from typing import Any, LiteralString, cast

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus

from kvota.errors import StoreUnavailable
from kvota.store import CommitUnknown, Conflict
from kvota.stores.batches import Statement
from kvota.stores.postgres_pipeline import Pipeline, Ran
from kvota.stores.rows import Row
from kvota.stores.watch import Watch

# A server that does not answer is found out in seconds, not in the quarter of an hour that TCP would take.
PATIENCE = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
# What every session needs. A process that hangs in a transaction must not keep the rows of others for ever, and
# what is acknowledged must be on the disk, whatever the server's default.
SETTINGS = """
SELECT set_config('statement_timeout', '30s', false), set_config('lock_timeout', '10s', false),
       set_config('idle_in_transaction_session_timeout', '10min', false),
       set_config('synchronous_commit',
                  replace(replace(current_setting('synchronous_commit'), 'off', 'on'), 'local', 'on'), false)
"""
# A plan that was made while the tables were small must not stay when they have grown: every statement finds its rows
# by an index, one by one. And however many rows PostgreSQL expects of a company with a million entries, none is worth
# a quarter of a second in which it is compiled, or processes that have to be started.
PLANS = """
SELECT set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', false),
       set_config('enable_mergejoin', 'off', false), set_config('enable_material', 'off', false),
       set_config('jit', 'off', false), set_config('max_parallel_workers_per_gather', '0', false)
"""
WRITER_PATIENCE = "SELECT set_config('idle_in_transaction_session_timeout', '60s', false)"
_IN_THE_WAY = {"40001", "40P01", "55P03", "23505"}
# 0A000 is what a hot standby says to READ WRITE.
_UNUSABLE = ("08", "0A000", "25006", "28", "3D", "42501", "53", "55000", "57", "58", "XX")


def _first_line(problem: Exception) -> str:
    return str(problem).strip().partition("\n")[0]


class Link:
    """A connection in autocommit: transactions are begun and ended by statements."""

    def __init__(self, url: str, watch: Watch, *, is_writer: bool = False) -> None:
        self._watch = watch
        given = conninfo_to_dict(url)
        patience: dict[str, Any] = {name: value for name, value in PATIENCE.items() if name not in given}
        try:
            self._connection = psycopg.connect(url, autocommit=True, application_name="kvota", **patience)
        except psycopg.Error as problem:
            raise StoreUnavailable(f"PostgreSQL cannot be reached: {_first_line(problem)}") from problem
        self._pipeline = Pipeline(self._connection)
        settings = [SETTINGS, PLANS, *([WRITER_PATIENCE] if is_writer else [])]
        self.run([Statement(text) for text in settings])

    def run(self, statements: Sequence[Statement]) -> list[list[Row]]:
        """Run the statements in one round trip; after one that fails the rest are not run."""
        try:
            return [one.rows for one in self._execute(statements)]
        except psycopg.Error as problem:
            raise self._translated(problem) from problem

    def _execute(self, statements: Sequence[Statement]) -> list[Ran]:
        with self._watch.waiting(self._connection.fileno()):
            return self._pipeline.run(statements)

    def script(self, text: str) -> None:
        """Run several statements without parameters."""
        try:
            self._connection.execute(cast(LiteralString, text))
        except psycopg.Error as problem:
            raise self._translated(problem) from problem

    def commit(self, statements: Sequence[Statement]) -> None:
        """Run the statements and COMMIT in one round trip.

        Raises ``CommitUnknown`` where the connection was lost on the way, and nobody can say whether COMMIT arrived.
        """
        try:
            status = self._execute([*statements, Statement("COMMIT")])[-1].status
        except psycopg.Error as problem:
            if self.is_lost:
                raise CommitUnknown(f"The connection was lost during COMMIT: {_first_line(problem)}") from problem
            raise self._translated(problem) from problem
        if status != "COMMIT":
            raise Conflict(f"PostgreSQL answered COMMIT with {status}.")

    def rollback(self) -> None:
        """Leave the transaction, if there is one still."""
        if not self.is_lost and self._connection.info.transaction_status != TransactionStatus.IDLE:
            with contextlib.suppress(psycopg.Error):
                self._execute([Statement("ROLLBACK")])

    def _translated(self, problem: psycopg.Error) -> Exception:
        """The error that the contract of a store knows, or the same one: a defect."""
        state = problem.sqlstate or ""
        if state in _IN_THE_WAY:
            return Conflict(_first_line(problem))
        if state == "42P01":
            return StoreUnavailable(f"The database has not been migrated: {_first_line(problem)}")
        if self.is_lost or state.startswith(_UNUSABLE) or (not state and isinstance(problem, psycopg.OperationalError)):
            return StoreUnavailable(f"PostgreSQL did not answer: {_first_line(problem)}")
        return problem

    @property
    def is_lost(self) -> bool:
        """Whether the connection is gone."""
        return self._connection.closed

    @property
    def is_usable(self) -> bool:
        return not self.is_lost and self._connection.info.transaction_status == TransactionStatus.IDLE

    def close(self) -> None:
        self._connection.close()
