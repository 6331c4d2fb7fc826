"""A million entries through a real server: flat memory, whatever the client does."""

import contextlib
import http.client
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from tests.acceptance.servers import OPERATOR_KEY, Server, serving

COMPANY = "/v1/companies/acme"
PIECE = 64 * 1024
# Copies of the last entry under new numbers. Their hashes are not those of a chain: an export does not look at them.
COPY = """
INSERT INTO entries (company, seq, at, kind, action, "user", slot, refunds, hash, body)
WITH RECURSIVE numbers (seq) AS (SELECT :first UNION ALL SELECT seq + 1 FROM numbers WHERE seq < :last)
SELECT e.company, numbers.seq, e.at, e.kind, e.action, e."user", NULL, NULL, e.hash,
       json_set(e.body, '$.seq', numbers.seq)
FROM numbers CROSS JOIN (SELECT * FROM entries WHERE company = 'acme' ORDER BY seq DESC LIMIT 1) e
"""


def grow(path: Path, last: int) -> None:
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(60_000)
    first = next(connection.execute("SELECT max(seq) + 1 FROM entries WHERE company = 'acme'"))[0]
    with connection:
        connection.execute(COPY, {"first": first, "last": last})
        connection.execute("UPDATE accounts SET seq = ? WHERE company = 'acme'", (last,))
    connection.close()


def resident(server: Server) -> int:
    """KiB."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))


class Highest:
    """The most that the server's memory reaches in a block."""

    def __init__(self, server: Server) -> None:
        self._server, self._is_over = server, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.kib = 0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._is_over.wait(0.05):
            self.kib = max(self.kib, resident(self._server))


@contextlib.contextmanager
def asked(server: Server, path: str) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=3600)
    with contextlib.closing(connection):
        connection.request("GET", f"{COMPANY}/{path}", headers={"Authorization": f"Bearer {OPERATOR_KEY}"})
        with connection.getresponse() as reply:
            assert reply.status == 200
            yield reply


def lines_of(server: Server) -> int:
    lines = 0
    with asked(server, "entries.csv") as reply:
        while piece := reply.read(PIECE):
            lines += piece.count(b"\n")  # and not both: a piece may end between the two
    return lines - 1


def workbook_of(server: Server, file: Path) -> list[int]:
    """The rows of each sheet."""
    with asked(server, "entries.xlsx") as reply, file.open("wb") as out:
        while piece := reply.read(PIECE):
            out.write(piece)
    counts = []
    with zipfile.ZipFile(file) as book:
        assert book.testzip() is None
        for number in range(1, 1 + sum(name.startswith("xl/worksheets/sheet") for name in book.namelist())):
            with book.open(f"xl/worksheets/sheet{number}.xml") as sheet:
                rest, rows = b"", 0
                while piece := sheet.read(PIECE):
                    piece = rest + piece
                    rows += piece.count(b"<row ")
                    rest = piece[-4:]
                counts.append(rows - 1)
    return counts


def export_all(tmp_path: Path, entries: int) -> dict[str, tuple[int, float]]:
    """Export so many entries in both ways; the growth of memory in MiB and the seconds of each."""
    found: dict[str, tuple[int, float]] = {}
    with serving(f"sqlite:///{tmp_path}/kvota.db", tmp_path) as server:
        server.call("PUT", COMPANY, {"name": "Acme", "plan": "large", "time_zone": "UTC"})
        usage = {"action": "crm_call_processing", "subject": "call:1", "user": "ivan", "department": "Продажи"}
        assert server.call("POST", f"{COMPANY}/charges", usage).status == 201
        assert lines_of(server) == 2
        assert workbook_of(server, tmp_path / "small.xlsx") == [2]
        grow(tmp_path / "kvota.db", entries)
        before = resident(server)
        for kind in ("csv", "xlsx"):
            started = time.monotonic()
            with Highest(server) as highest:
                if kind == "csv":
                    assert lines_of(server) == entries
                else:
                    assert sum(workbook_of(server, tmp_path / "all.xlsx")) == entries
            found[kind] = ((highest.kib - before) // 1024, time.monotonic() - started)
        # a client that reads a little and stops, and one that goes: neither costs memory, nor the server its life
        with Highest(server) as highest, asked(server, "entries.csv") as slow:
            assert slow.read(PIECE)
            with asked(server, "entries.csv") as gone:
                assert gone.read(PIECE)
            for _ in range(20):
                assert server.call("GET", f"{COMPANY}/balance").status == 200
        found["slow"] = ((highest.kib - before) // 1024, 0.0)
        assert server.call("GET", f"{COMPANY}/balance").status == 200
    return found


def test_some_thousand_entries_are_exported_in_flat_memory(tmp_path: Path):
    found = export_all(tmp_path, 6_000)
    assert max(mib for mib, _ in found.values()) < 60, found


@pytest.mark.soak
def test_a_million_entries_are_exported_in_flat_memory(tmp_path: Path):
    found = export_all(tmp_path, 1_100_000)  # more than one sheet of a workbook can hold
    print({kind: f"+{mib} MiB in {seconds:.0f} s" for kind, (mib, seconds) in found.items()})  # noqa: T201 - figures
    assert max(mib for mib, _ in found.values()) < 60, found
