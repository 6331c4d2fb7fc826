"""Statements sent to PostgreSQL together and read back together, by libpq itself.

psycopg's own pipeline makes a cursor for each statement and sends each by itself, which took as long as all the
deciding of a small batch. Here a list of statements is one write to the socket, and its replies mostly one read.
"""

import re
import select
from collections.abc import Sequence
from typing import Any, NamedTuple

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGresult

from kvota.stores.batches import Statement
from kvota.stores.rows import Row

MOST_PREPARED = 1000
_FAILED = {ExecStatus.FATAL_ERROR, ExecStatus.PIPELINE_ABORTED}


class Ran(NamedTuple):
    """What came of a statement: its rows, and how the server calls what it did (``INSERT 0 3``)."""

    rows: list[Row]
    status: str


class Pipeline:
    """Runs statements on a connection that nobody else uses meanwhile; each text is prepared once."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection, self._server = connection, connection.pgconn
        self._values = Transformer(connection)
        self._prepared: dict[tuple[str, tuple[int, ...]], bytes] = {}
        self._number = 0

    def run(self, statements: Sequence[Statement]) -> list[Ran]:
        """Run them in one round trip; after one that fails the rest are not run. Raises ``psycopg.Error``."""
        if len(self._prepared) > MOST_PREPARED:
            self._connection.execute("DEALLOCATE ALL")
            self._prepared.clear()
        new: dict[tuple[str, tuple[int, ...]], bytes] = {}
        try:
            self._server.enter_pipeline_mode()
            for statement in statements:
                self._send(statement, new)
            self._server.pipeline_sync()
            results = self._results()
            self._server.exit_pipeline_mode()
        except BaseException:
            self._connection.close()  # whatever its replies are, nobody is to take them for those of another statement
            raise
        failed = next((one for one in results if one.status in _FAILED), None)
        if failed is not None:
            raise error_from_result(failed)
        self._prepared.update(new)
        return [self._ran(one) for one in results if one.command_status]  # that of preparing has none

    def _send(self, statement: Statement, new: dict[tuple[str, tuple[int, ...]], bytes]) -> None:
        """Send a statement; one that is not prepared yet is, under a name that ``new`` takes."""
        values = self._values.dump_sequence(statement.parameters, [PyFormat.AUTO] * len(statement.parameters))
        types = self._values.types or ()
        key = statement.sql, types
        name = self._prepared.get(key) or new.get(key)
        if name is None:
            self._number += 1
            name = new[key] = b"kvota_%d" % self._number
            self._server.send_prepare(name, _numbered(statement.sql), types)
        self._server.send_query_prepared(name, values, self._values.formats)

    def _results(self) -> list[PGresult]:
        """What comes until the end of the pipeline."""
        found: list[PGresult] = []
        ready = select.poll()
        while True:
            while (is_left := self._server.flush()) or self._server.is_busy():
                ready.register(self._server.socket, select.POLLIN | (select.POLLOUT if is_left else 0))
                ready.poll()
                self._server.consume_input()
            result = self._server.get_result()
            if result is None:
                if self._server.status == ConnStatus.BAD:
                    raise psycopg.OperationalError("the connection is lost")
            elif result.status == ExecStatus.PIPELINE_SYNC:
                return found
            else:
                found.append(result)

    def _ran(self, result: PGresult) -> Ran:
        rows: list[Row] = []
        if result.ntuples:
            self._values.set_pgresult(result)
            rows = self._values.load_rows(0, result.ntuples, tuple)
        return Ran(rows, (result.command_status or b"").decode())


def _numbered(text: str) -> bytes:
    """The statement with ``$1``, ``$2`` … for each ``%s``."""
    count = 0

    def number(_: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return f"${count}"

    return re.sub("%s", number, text).encode()
