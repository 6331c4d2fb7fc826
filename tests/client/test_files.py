"""A ledger as a file over real connections that break: whole, or an exception, and never in memory."""

import io
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import pytest

from kvota import errors as e
from kvota.client import AsyncClient, Client, Patience
from tests.acceptance.servers import OPERATOR_KEY, Server, serving
from tests.client.awaited import Awaited
from tests.client.faulty import Faulty, Harm, answer, faulty, http, lose_the_reply
from tests.sheets.test_million import grow

QUICK = Patience(first_pause_seconds=0.01, longest_pause_seconds=0.1)
ENTRIES = 20_000
END_OF_CHUNKS = b"\r\n0\r\n\r\n"
Save = Callable[[str, Any], None]
"""``entries_csv`` of a client for the URL."""


class Big(NamedTuple):
    server: Server
    store: Path


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Big]:
    folder = tmp_path_factory.mktemp("big")
    store = folder / "kvota.db"
    with serving(f"sqlite:///{store}", folder) as server:
        with Client(server.url, OPERATOR_KEY) as client:
            client.put_company("acme", name="Acme", plan="large", time_zone="UTC")
            client.charge("acme", "crm_call_processing", user="ivan", subject="call:1")
        grow(store, ENTRIES)
        yield Big(server, store)


@pytest.fixture(params=["Client", "AsyncClient"])
def save(request: pytest.FixtureRequest) -> Save:
    def saved(url: str, file: Any) -> None:
        if request.param == "Client":
            with Client(url, OPERATOR_KEY, patience=QUICK) as client:
                client.entries_csv("acme", file)
        else:
            with Awaited(lambda: AsyncClient(url, OPERATOR_KEY, patience=QUICK)) as door:
                door.entries_csv("acme", file)

    return saved


@pytest.fixture
def proxy(sandbox: Server, client: Client) -> Iterator[Faulty]:
    client.put_company("acme", name="Acme", plan="small", time_zone="UTC")
    with faulty(sandbox.port) as made:
        yield made


class Counted(io.BytesIO):
    """Counts what is written, and keeps nothing of it."""

    size = lines = 0

    def write(self, piece: Any) -> int:
        self.size += len(piece)
        self.lines += piece.count(b"\n")
        return len(piece)


def relay(*, is_cut: bool = False) -> Harm:
    """The reply passes, but for its end where it is cut; then the connection is over."""

    def pass_on(client: Any, server: Any, request: bytes) -> bool:
        server.sendall(request)
        reply = b""
        while not reply.endswith(END_OF_CHUNKS):
            reply += server.recv(65536)
        client.sendall(reply.removesuffix(END_OF_CHUNKS) if is_cut else reply)
        return True

    return pass_on


def test_a_file_is_whole_and_never_in_memory(big, save):
    file = Counted()
    tracemalloc.start()
    try:
        save(big.server.url, file)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert file.lines == 1 + ENTRIES
    assert most < 1_000_000 < file.size / 4


def test_a_server_that_cannot_go_on_is_an_exception(big, save):
    def set_last_entry(body: str) -> str:
        where = "WHERE company = 'acme' AND seq = ?"
        with apsw.Connection(str(big.store)) as connection:
            (was,) = next(connection.execute(f"SELECT body FROM entries {where}", (ENTRIES,)))
            connection.execute(f"UPDATE entries SET body = ? {where}", (body, ENTRIES))
        connection.close()
        return was

    file, body = Counted(), set_last_entry("{")
    try:
        with pytest.raises(e.ServerUnreachable, match=r"broke off after \d+ bytes"):
            save(big.server.url, file)
    finally:
        set_last_entry(body)
    assert 0 < file.lines <= ENTRIES


def test_what_is_lost_before_the_first_byte_is_asked_for_again(proxy, save):
    busy = b'{"type": "/docs#busy", "title": "Too much", "status": 503, "detail": "Later.", "code": "busy"}'
    problem = b"Content-Type: application/problem+json"
    proxy.harms += [lose_the_reply, answer(http("503 Service Unavailable", busy, problem)), relay()]
    file = io.BytesIO()
    save(proxy.url, file)
    assert file.getvalue().startswith(b"\xef\xbb\xbfcompany,")
    assert len(proxy.requests) == 3


def test_what_breaks_off_after_it_is_raised_and_not_asked_for_again(proxy, client, save):
    whole = io.BytesIO()
    client.entries_csv("acme", whole)
    proxy.harms.append(relay(is_cut=True))
    file = io.BytesIO()
    with pytest.raises(e.ServerUnreachable, match=r"broke off after \d+ bytes: .+ask for it again"):
        save(proxy.url, file)
    assert whole.getvalue().startswith(file.getvalue())
    assert len(proxy.requests) == 1


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (http("200 OK", b"<html>Sign in</html>", b"Content-Type: text/html"), "not as Kvota does"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/csv\r\n\r\nseq,at\r\n", "where they end"),
    ],
    ids=["of another server", "with no certain end"],
)
def test_a_file_that_may_not_be_kvotas_or_not_whole_is_refused(proxy, save, reply, message):
    proxy.harms.append(answer(reply))
    file = io.BytesIO()
    with pytest.raises(e.ServerUnreachable, match=message):
        save(proxy.url, file)
    assert (file.getvalue(), len(proxy.requests)) == (b"", 1)
