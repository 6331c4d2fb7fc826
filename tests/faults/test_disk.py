"""The disk under the store: full, not writable, its files removed or broken. Servers recover when the cause is gone."""

import os
import resource
import sqlite3
from pathlib import Path

import pytest

from tests import postgres
from tests.acceptance.servers import Server, environment
from tests.faults.disks import small_disk
from tests.faults.harness import CATALOGUE, Scene, scene

CALLS = 60
MORTAL = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
"""Put before a command, it is refused what the permissions of a file refuse: root is not."""


def database(store: str) -> Path:
    return Path(store.removeprefix("sqlite:///"))


def refusals(it: Scene) -> int:
    return sum(call.refused for call in it.callers.calls)


def until_refused(it: Scene) -> None:
    """Until callers are told 503."""
    before = refusals(it)
    it.callers.wait_until(lambda _: refusals(it) > before, "was told 503")


def limit_files(it: Scene, size: int, most: int) -> None:
    """Of the server and its engine, which is a process of its own."""
    pid = it.server.process.pid
    for one in (pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())):
        resource.prlimit(one, resource.RLIMIT_FSIZE, (size, most))


def limited(store, folder, times):
    """The server's files may not grow: what a quota, or the end of a disk, does. No rights are needed for it."""
    with scene(store, folder, seed="limit") as it:
        for _ in range(times):
            it.callers.wait_for(CALLS)
            size = max(file.stat().st_size for file in database(store).parent.glob("kvota.db*"))
            _, most = resource.prlimit(it.server.process.pid, resource.RLIMIT_FSIZE)
            limit_files(it, size, most)
            until_refused(it)
            limit_files(it, most, most)
        it.callers.wait_for(CALLS)
        return it.verdict("file that may not grow", runs=times)


def test_a_file_that_may_not_grow_is_told_and_the_server_goes_on_when_it_may(sqlite_url, tmp_path, report):
    report(limited(sqlite_url, tmp_path, 1))


def filled(folder, times):
    with small_disk(48) as disk:  # room for a log of 32 MB beside the file
        store = f"sqlite:///{disk.folder}/kvota.db"
        with scene(store, folder, seed="full") as it:
            for _ in range(times):
                it.callers.wait_for(CALLS)
                disk.fill()
                until_refused(it)
                disk.clear()
            it.callers.wait_for(CALLS)
            return it.verdict("disk full", runs=times)


def test_a_full_disk_is_told_and_the_server_goes_on_when_there_is_room(tmp_path, report):
    report(filled(tmp_path, 1))


@pytest.mark.soak
def test_full_disks_one_after_the_other(sqlite_url, tmp_path, report):
    report(limited(sqlite_url, tmp_path, 10))
    report(filled(tmp_path, 10))


def test_a_full_disk_under_postgresql_is_told_and_all_goes_on_when_there_is_room(tmp_path, report):
    with (
        small_disk(160) as disk,
        postgres.cluster(parent=disk.folder) as cluster,
        postgres.database(cluster.url) as store,
        scene(store, tmp_path, seed="full") as it,
    ):
        it.callers.wait_for(CALLS)
        disk.fill()
        until_refused(it)
        disk.clear()
        cluster.restart_if_ended()  # it ends where it cannot write its log; whoever supervises it starts it again
        it.callers.wait_for(CALLS)
        report(it.verdict("disk full"))


def moved_away(store, folder, times):
    file = database(store)
    with scene(store, folder, seed="moved") as it:
        for _ in range(times):
            it.callers.wait_for(CALLS)
            file.rename(file.with_name("away"))
            until_refused(it)
            ready = it.server.call("GET", "/readyz")
            assert (ready.status, ready.body["code"]) == (503, "store_unavailable")
            file.with_name("away").rename(file)
        it.callers.wait_for(CALLS)
        return it.verdict("file moved away and back", runs=times)


def test_nothing_is_acknowledged_into_a_file_that_is_not_in_its_place(sqlite_url, tmp_path, report):
    report(moved_away(sqlite_url, tmp_path, 1))


def log_removed(store, folder, times):
    """Killed afterwards: what was written only into a file without a name would be gone."""
    file = database(store)
    with scene(store, folder, seed="log") as it:
        for _ in range(times):
            it.callers.wait_for(CALLS)
            file.with_name(f"{file.name}-wal").unlink()
            it.callers.wait_for(CALLS)
            it.server.kill()
            it.server.start()
        return it.verdict("log of SQLite removed, then kill -9", runs=times, may_cut=True)


def test_a_log_that_is_removed_takes_nothing_with_it(sqlite_url, tmp_path, report):
    report(log_removed(sqlite_url, tmp_path, 1))


@pytest.mark.soak
def test_files_taken_away_again_and_again(sqlite_url, tmp_path, report):
    report(moved_away(sqlite_url, tmp_path, 10))
    other = tmp_path / "other"
    other.mkdir()
    report(log_removed(f"sqlite:///{other}/kvota.db", tmp_path, 10))


def ends_at_the_start(server: Server) -> str:
    """What it says on its way out; the code is that of a world that broke."""
    server.spawn()
    assert server.process.wait(60) == 3
    return server.log.read_text()


def test_permissions_taken_away_do_no_harm_while_it_runs_and_are_told_at_the_start(sqlite_url, tmp_path):
    file, folder = tmp_path / "store" / "kvota.db", tmp_path / "store"
    folder.mkdir()
    server = Server(tmp_path, environment(f"sqlite:///{file}", catalogue=CATALOGUE), before=MORTAL)
    server.start()
    try:
        assert (
            server.call("PUT", "/v1/companies/acme", {"name": "A", "plan": "large", "time_zone": "UTC"}).status == 201
        )
        file.chmod(0o444)
        folder.chmod(0o555)
        charge = {"action": "chat_question", "user": "ann"}
        assert server.call("POST", "/v1/companies/acme/charges", charge, key="open").status == 201
        server.kill()
        assert str(file) in ends_at_the_start(server)
        file.chmod(0o644)
        folder.chmod(0o755)
        server.start()
        server.process.terminate()
        assert server.process.wait(60) == 0  # in order: there is no log any more
        folder.chmod(0o555)
        assert str(file) in ends_at_the_start(server)  # which needs room beside the file
        folder.chmod(0o755)
        server.start()
        assert server.call("POST", "/v1/companies/acme/charges", charge, key="open").status == 201
    finally:
        server.kill()


@pytest.mark.parametrize("broken", ["not a database", "cut off", "a page of noise"])
def test_a_broken_file_is_told_at_the_start(sqlite_url, tmp_path, broken):
    file = database(sqlite_url)
    with sqlite3.connect(file) as made:
        made.execute("CREATE TABLE schema_migrations (name TEXT PRIMARY KEY, hash TEXT, applied_at INTEGER)")
        made.executemany("INSERT INTO schema_migrations VALUES (?, 'x', 1)", [(f"{n:0500}",) for n in range(100)])
    made.close()
    content = file.read_bytes()
    damage = {
        "not a database": b"These are the accounts.\n" * 400,
        "cut off": content[: len(content) // 2],
        "a page of noise": content[:4096] + b"\xa5" * 4096 + content[8192:],
    }[broken]
    file.write_bytes(damage)
    server = Server(tmp_path, environment(sqlite_url, catalogue=CATALOGUE))
    said = ends_at_the_start(server)
    assert str(file) in said
    assert "backup" in said
    assert "Traceback" not in said


def test_a_small_disk_is_full_when_it_is_filled_and_gone_afterwards():
    with small_disk(1) as disk:
        disk.fill()
        with pytest.raises(OSError, match="No space"):
            (disk.folder / "more").write_bytes(b"x" * 4096)
        disk.clear()
        (disk.folder / "more").write_bytes(b"x" * 4096)
    assert not disk.folder.exists()
