"""A SQLite file that is taken away while it is in use: nothing is answered as durable that nobody could find again."""

import contextlib
import multiprocessing
import os
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import apsw
import pytest

from kvota.errors import StoreUnavailable
from kvota.store import CommitUnknown, Store
from kvota.stores import open_store
from tests.stores.making import account, save


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "kvota.db"


@pytest.fixture
def store(path, monkeypatch) -> Iterator[Store]:
    monkeypatch.setattr("kvota.stores.place.LOOK_SECONDS", 0.0)
    store = open_store(f"sqlite:///{path}")
    store.migrate()
    save(store, "before", created=[account()])
    yield store
    store.close()


def found_by_others(path: Path) -> set[str]:
    """The batches that another process finds in the file."""
    with apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY) as connection:
        return {name for (name,) in connection.execute("SELECT id FROM batches")}


def test_nothing_is_written_or_read_while_the_file_is_away_and_all_goes_on_when_it_is_back(store, path):
    path.rename(path.with_name("away"))
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="is not there any more"):
            save(store, "lost", accounts=[account(used=1)])
        with pytest.raises(StoreUnavailable, match="is not there any more"):
            store.was_committed("before")
        with pytest.raises(StoreUnavailable, match="is not there any more"), store.snapshot():
            pass
    path.with_name("away").rename(path)
    save(store, "after", accounts=[account(used=1)])
    assert found_by_others(path) == {"before", "after"}


def test_another_file_in_the_place_is_not_taken_for_the_former_one(store, path):
    path.rename(path.with_name("away"))
    path.write_bytes(path.with_name("away").read_bytes())
    with pytest.raises(StoreUnavailable, match="another file"):
        save(store, "lost", accounts=[account(used=1)])


def test_a_commit_into_a_file_that_has_just_been_removed_is_not_acknowledged(store, path):
    with store.begin() as transaction:
        transaction.lock([])
        path.rename(path.with_name("away"))
        with pytest.raises(CommitUnknown, match="is not there any more"):
            transaction.commit()
    path.with_name("away").rename(path)
    save(store, "after", accounts=[account(used=1)])


@pytest.mark.parametrize("gone", [["-wal"], ["-shm"], ["-wal", "-shm"]], ids="".join)
def test_a_log_that_was_removed_is_moved_into_the_file_and_made_anew(store, path, gone):
    with store.snapshot() as view:  # a connection for reading that has the former log open
        assert view.account("acme") == account()
    for name in gone:
        os.remove(f"{path}{name}")  # noqa: PTH107 - beside the file
    save(store, "after", accounts=[account(used=1)])
    assert found_by_others(path) == {"before", "after"}
    with store.snapshot() as view:
        assert view.account("acme") == account(used=1)


def _share(path: str, line: Connection) -> None:
    """Another process of the same server: saves the batches that it is told to, and says which it finds."""
    store = open_store(f"sqlite:///{path}")
    while (batch := line.recv()) is not None:
        save(store, batch, accounts=[account(used=1)])
        line.send(store.was_committed(batch))
    store.close()


@pytest.fixture
def other(path, store) -> Iterator[Connection]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_share, args=(str(path), theirs))
    process.start()
    yield ours
    ours.send(None)
    process.join(60)
    assert process.exitcode == 0


@pytest.mark.parametrize("gone", [["-wal"], ["-shm"], ["-wal", "-shm"]], ids="".join)
def test_all_who_share_a_file_go_on_when_its_log_was_removed_and_one_of_them_has_made_it_anew(store, other, path, gone):
    other.send("theirs")
    assert other.recv()
    for number in range(3):
        for name in gone:
            os.remove(f"{path}{name}")  # noqa: PTH107 - beside the file
        save(store, f"ours {number}", accounts=[account(used=2)])
        other.send(f"theirs {number}")
        assert other.recv()
        assert store.was_committed(f"theirs {number}")
    written = {f"{who} {number}" for who in ("ours", "theirs") for number in range(3)}
    assert found_by_others(path) == {"before", "theirs", *written}


def test_a_log_in_the_place_of_the_one_with_what_was_committed_is_refused(store, path):
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        connection.execute("PRAGMA schema_version; PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    save(store, "committed", accounts=[account(used=1)])
    log, index = Path(f"{path}-wal"), Path(f"{path}-shm")
    log.rename(path.with_name("away"))
    log.touch()
    index.rename(path.with_name("index"))
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="another file"):
            save(store, "lost", accounts=[account(used=2)])


def test_a_store_that_could_not_be_opened_again_is_opened_by_the_next_call(store, path, monkeypatch):
    os.remove(f"{path}-wal")  # noqa: PTH107 - beside the file
    monkeypatch.setattr(store, "_open", lambda: (_ for _ in ()).throw(StoreUnavailable("no descriptor is left")))
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="no descriptor"):
            save(store, "lost", accounts=[account(used=1)])
    monkeypatch.undo()
    save(store, "after", accounts=[account(used=1)])
    assert found_by_others(path) == {"before", "after"}


def test_a_log_that_goes_while_somebody_reads_waits_for_the_reader(store, path, monkeypatch):
    monkeypatch.setattr("kvota.stores.sqlite.BUSY_SECONDS", 0.05)
    with store.snapshot() as view:
        os.remove(f"{path}-wal")  # noqa: PTH107 - beside the file
        with pytest.raises(StoreUnavailable, match="goes on reading"):
            save(store, "early", accounts=[account(used=1)])
        assert view.account("acme") == account()
    save(store, "after", accounts=[account(used=1)])
    assert found_by_others(path) == {"before", "after"}
