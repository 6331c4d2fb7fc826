"""What a store says when the world breaks: files that are busy or full, servers that go away, answers that are lost."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit, urlunsplit

import apsw
import psycopg
import pytest

from kvota.errors import StoreUnavailable
from kvota.store import Batch, CommitUnknown, Conflict, Store, StoredCatalogue
from kvota.stores import open_store
from kvota.stores.batches import Statement
from kvota.stores.pool import Pool
from kvota.stores.postgres import LINKS
from kvota.stores.postgres_link import Link
from kvota.stores.sqlite import READERS
from kvota.stores.watch import Watch
from tests.stores.making import NOW, account, charged, ledger, save


def put(transaction, name: str = "batch", **lists) -> None:
    transaction.lock([])
    transaction.save(Batch(id=name, at=NOW, **lists))


@pytest.fixture
def sqlite_store(sqlite_url: str, monkeypatch) -> Iterator[Store]:
    monkeypatch.setattr("kvota.stores.sqlite_link.BUSY_SECONDS", 0.05)
    store = open_store(sqlite_url)
    store.migrate()
    yield store
    store.close()


def test_a_file_that_another_process_holds_is_a_conflict(sqlite_store: Store, sqlite_url: str):
    holder = apsw.Connection(sqlite_url.removeprefix("sqlite:///"))
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Conflict), sqlite_store.begin() as transaction:
        put(transaction)
    with pytest.raises(StoreUnavailable, match="locked"):
        sqlite_store.ping()
    with sqlite_store.snapshot() as view:
        assert view.accounts("", 1) == []
    holder.execute("ROLLBACK")
    save(sqlite_store)
    holder.close()


def test_a_full_disk_makes_the_store_unavailable_and_loses_nothing(sqlite_store: Store):
    save(sqlite_store, "before", created=[account()])
    pages = "PRAGMA max_page_count = {}"
    sqlite_store._writer.script(pages.format(1))  # noqa: SLF001 - SQLite sets it at what the file has
    with pytest.raises(StoreUnavailable, match="full"):
        save(sqlite_store, "big", entries=ledger([charged(1, subject="x" * 100_000)]))
    sqlite_store._writer.script(pages.format(10**6))  # noqa: SLF001
    assert not sqlite_store.was_committed("big")
    save(sqlite_store, "after", accounts=[account(used=1)])
    with sqlite_store.snapshot() as view:
        assert view.account("acme") == account(used=1)


@pytest.fixture
def postgres_store(postgres_url: str) -> Iterator[Store]:
    store = open_store(postgres_url)
    store.migrate()
    yield store
    store.close()


def kill_sessions(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'kvota'"
        )


def test_connections_that_died_while_idle_are_replaced_unnoticed(postgres_store: Store, postgres_url: str):
    save(postgres_store, "one", created=[account()])
    with postgres_store.snapshot() as first, postgres_store.snapshot() as second:
        assert first.account("acme") == second.account("acme")
    kill_sessions(postgres_url)
    with postgres_store.snapshot() as view:
        assert view.account("acme") == account()
    save(postgres_store, "two", accounts=[account(used=1)])
    assert postgres_store.was_committed("two")


def test_a_connection_lost_before_commit_makes_the_store_unavailable(postgres_store: Store, postgres_url: str):
    with postgres_store.begin() as transaction:
        put(transaction, "lost", created=[account()])
        kill_sessions(postgres_url)
        with pytest.raises(StoreUnavailable):
            transaction.lock(["acme"])
    assert not postgres_store.was_committed("lost")
    save(postgres_store, "next", created=[account()])


def test_a_connection_lost_during_commit_leaves_it_unknown(postgres_store: Store, postgres_url: str):
    """The server ends the session at COMMIT: nothing was written, which only ``was_committed`` can tell."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS "
                           "'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'")  # fmt: skip
        connection.execute("CREATE CONSTRAINT TRIGGER die AFTER INSERT ON batches DEFERRABLE INITIALLY DEFERRED "
                           "FOR EACH ROW WHEN (NEW.id = 'deadly') EXECUTE FUNCTION die()")  # fmt: skip
    with pytest.raises(CommitUnknown):
        save(postgres_store, "deadly", created=[account()])
    assert not postgres_store.was_committed("deadly")
    save(postgres_store, "next", created=[account()])


class Wire:
    """A wire to a server that can swallow the server's answers, and then break."""

    def __init__(self, host: str, port: int) -> None:
        self.is_deaf = threading.Event()
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            threading.Thread(target=self._carry, args=[client, server, False], daemon=True).start()
            threading.Thread(target=self._carry, args=[server, client, True], daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, is_answer: bool) -> None:  # noqa: FBT001
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if is_answer and self.is_deaf.is_set():
                    break
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        self._listener.close()


def test_an_answer_to_commit_that_was_lost_is_found(postgres_store: Store, postgres_url: str):
    """The server commits, and the wire breaks before it can say so."""
    parts = urlsplit(postgres_url)
    wire = Wire(parts.hostname, parts.port)
    store = open_store(urlunsplit(parts._replace(netloc=f"postgres@127.0.0.1:{wire.port}")))
    with store.begin() as transaction:
        put(transaction, "unheard", created=[account()])
        wire.is_deaf.set()
        with pytest.raises(CommitUnknown):
            transaction.commit()
    wire.is_deaf.clear()
    assert store.was_committed("unheard")
    with postgres_store.snapshot() as view:
        assert view.account("acme") == account()
    store.close()
    wire.close()


def test_a_deadlock_is_a_conflict(postgres_store: Store, postgres_url: str):
    save(postgres_store, "one", created=[account("a"), account("b")])
    with psycopg.connect(postgres_url) as other:
        other.execute("SET deadlock_timeout = '10s'")  # so that it is the store that notices
        other.execute("SELECT 1 FROM accounts WHERE company = 'b' FOR UPDATE")
        with postgres_store.begin() as transaction:
            transaction.lock(["a"])
            blocked = threading.Thread(
                target=lambda: other.execute("SELECT 1 FROM accounts WHERE company = 'a' FOR UPDATE")
            )
            blocked.start()
            with psycopg.connect(postgres_url, autocommit=True) as watcher:
                while not watcher.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchall():
                    pass
            with pytest.raises(Conflict):
                transaction.lock(["b"])
        blocked.join(20)
        other.rollback()
    save(postgres_store, "two", accounts=[account("a")])


def test_a_connection_that_is_cut_at_any_moment_is_known_to_be_lost(postgres_url):
    """Cut between a reply and the next, psycopg may leave it open: in use for ever, and COMMIT taken for refused."""
    watch, cuts, open_still = Watch(), 300, []

    def work(number: int) -> None:
        statement, has_begun = Statement("SELECT repeat('x', 200)"), 0
        while has_begun < cuts // 4:
            try:
                link = Link(postgres_url, watch)
            except StoreUnavailable:
                continue  # cut before it began
            has_begun += 1
            with contextlib.suppress(StoreUnavailable, CommitUnknown):
                while True:
                    link.run([Statement("BEGIN"), *[statement] * number])
                    link.commit([statement] * number)
            open_still.append(not link.is_lost)

    with contextlib.closing(watch), ThreadPoolExecutor(4) as workers, psycopg.connect(postgres_url) as other:
        other.autocommit = True
        working = [workers.submit(work, number) for number in (1, 2, 4, 7)]
        while not all(one.done() for one in working):
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            time.sleep(0.02)
        for one in working:
            one.result()
    assert len(open_still) == cuts
    assert not any(open_still)


def test_who_waits_too_long_for_a_connection_is_told():
    class Connection:
        is_usable = True

        def close(self) -> None: ...

    pool = Pool(Connection, size=1, timeout_seconds=0.01)
    with ThreadPoolExecutor(1) as somebody, contextlib.ExitStack() as lent:
        somebody.submit(lent.enter_context, pool.lend()).result()
        with pytest.raises(StoreUnavailable, match="in use"), pool.lend():
            pass
    with pool.lend():
        pass


def test_who_holds_a_connection_and_needs_another_does_not_wait_for_others_who_do_so_too():
    class Connection:
        is_usable = True

        def close(self) -> None: ...

    pool, both = Pool(Connection, size=2, timeout_seconds=20), threading.Barrier(2)

    def read(_: int) -> bool:
        with pool.lend() as first:
            both.wait(20)  # from here on each has one, and there is no more
            with pool.lend() as second:
                return first is not second

    with ThreadPoolExecutor(2) as readers:
        assert list(readers.map(read, range(2))) == [True, True]


@pytest.mark.parametrize(("kind", "most"), [("sqlite", READERS), ("postgres", LINKS)])
def test_as_many_readers_as_there_are_connections_may_look_for_a_new_catalogue_in_their_snapshots(kind, most, request):
    all_of_them = threading.Barrier(most)
    with contextlib.closing(open_store(request.getfixturevalue(f"{kind}_url"))) as store:
        store.migrate()

        def read(_: int) -> tuple[int, list[StoredCatalogue]]:
            with store.snapshot() as view:
                number = view.catalogue_number()
                all_of_them.wait(20)
                return number, store.catalogues()

        with ThreadPoolExecutor(most) as readers:
            assert list(readers.map(read, range(most))) == [(0, [])] * most


def test_a_connection_that_cannot_be_used_again_is_closed():
    class Connection:
        is_usable, is_closed = True, False

        def close(self) -> None:
            self.is_closed = True

    pool = Pool(Connection, size=2)
    with pool.lend() as first:
        pass
    with pool.lend() as again:
        assert again is first
        again.is_usable = False
    assert first.is_closed
    with pool.lend() as second, pool.lend() as third:
        pool.close()
        assert second is not first
    assert second.is_closed
    assert third.is_closed
