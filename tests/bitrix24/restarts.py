"""Restarts of every part that a portal's requests pass through, in turn, each by force and in order."""

import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

import psycopg

from tests.bitrix24.rig import Rig
from tests.postgres import Cluster

AWAY_SECONDS = 1.0
END_SECONDS = 60
CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class Restarts:
    """``ways`` are all that there are: of our server and each of its processes, PostgreSQL, AI service and portal."""

    def __init__(self, rig: Rig, workers: int, cluster: Cluster | None) -> None:
        self._rig, self._cluster, self._done = rig, cluster, 0
        self.ways: list[Callable[[], None]] = [self._kill_server, self._service, self._portal, self._end_server]
        if workers > 1:
            self.ways += [self._kill_worker, self._end_worker] * workers
        if cluster is not None:
            self.ways += [self._kill_database, self._end_database, self._cut_connections]

    def next(self) -> None:
        """The next of the ways; after the last comes the first."""
        self.ways[self._done % len(self.ways)]()
        self._done += 1

    def _kill_server(self) -> None:
        self._rig.server.kill()
        self._rig.server.start()

    def _end_server(self) -> None:
        process = self._rig.server.process
        process.send_signal(signal.SIGTERM)
        assert process.wait(END_SECONDS) == 0
        self._rig.server.start()

    def _kill_worker(self) -> None:
        self._signal_worker(signal.SIGKILL)

    def _end_worker(self) -> None:
        self._signal_worker(signal.SIGTERM)

    def _signal_worker(self, how: signal.Signals) -> None:
        """To the oldest, so that each one's turn comes; the supervisor starts another."""
        supervisor = self._rig.server.process.pid
        workers = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
        os.kill(int(workers[0]), how)

    def _kill_database(self) -> None:
        assert self._cluster is not None
        self._cluster.kill()
        self._cluster.start()

    def _end_database(self) -> None:
        assert self._cluster is not None
        self._cluster.stop()
        self._cluster.start()

    def _cut_connections(self) -> None:
        with contextlib.closing(psycopg.connect(self._rig.store, autocommit=True)) as connection:
            connection.execute(CUT)

    def _service(self) -> None:
        self._rig.portal.run(self._rig.service.restart(AWAY_SECONDS))

    def _portal(self) -> None:
        self._rig.portal.run(self._rig.portal.restart(AWAY_SECONDS))
