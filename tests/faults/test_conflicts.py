"""Transactions in each other's way: deadlocks, serialization failures, long locks, statements that are cancelled.

Each call ends in one effect or in a 503 within bounded time, and all goes on when the cause is gone.
"""

import contextlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import apsw
import psycopg
import pytest

from kvota.core import commands as c
from kvota.core.account import Usage
from kvota.errors import Busy, StoreUnavailable
from kvota.settings import Settings
from kvota.store import EntryFilter
from kvota.verify import verify
from kvota.wiring import Meter, open_meter
from tests.acceptance.servers import kvota, serving
from tests.faults.harness import CATALOGUE

LOCK = "SELECT 1 FROM accounts WHERE company = %s FOR UPDATE"
WAITING = "SELECT 1 FROM pg_locks WHERE NOT granted"
PATIENCE_SECONDS = 60
BOUND_SECONDS = 45
CHARGE = {"action": "chat_question", "user": "ann"}


@pytest.fixture
def meter(postgres_url) -> Iterator[Meter]:
    meter = open_meter(Settings(store=postgres_url, catalogue=str(CATALOGUE)))
    for company in ("a", "b", "c"):
        meter.engine.execute(c.PutCompany(company=company, name=company, plan="large", time_zone="UTC"))
    yield meter
    meter.close()


@pytest.fixture
def others(postgres_url) -> Iterator[list[psycopg.Connection]]:
    """Three sessions beside the engine's; a deadlock is noticed by the engine's, not by theirs."""
    with contextlib.ExitStack() as stack:
        sessions = [stack.enter_context(psycopg.connect(postgres_url, autocommit=True)) for _ in range(3)]
        for session in sessions:
            session.execute("SET deadlock_timeout = '30s'")
        yield sessions
        for session in sessions[:2]:
            session.execute("ROLLBACK")


def charge(company: str) -> c.Command:
    return c.ChargeUsage(company=company, usage=Usage(action="chat_question", user="ann"))


def charges(meter: Meter, company: str) -> int:
    return len(meter.reads.entries(company, EntryFilter(kind="charged"), 0, 1000))


def until_waiting(watcher: psycopg.Connection, sessions: int = 1) -> None:
    """Until so many sessions wait for a lock."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(watcher.execute(WAITING).fetchall()) < sessions:
        assert time.monotonic() < deadline, "nobody waits"


def test_the_victim_of_a_deadlock_tries_again_and_has_one_effect(meter, others):
    first, second, watcher = others
    first.execute("BEGIN")
    first.execute(LOCK, ["c"])
    blocked = meter.engine.submit(charge("c"))
    until_waiting(watcher)
    together = [meter.engine.submit(charge("a")), meter.engine.submit(charge("b"))]  # while c waits: one batch
    second.execute("BEGIN")
    second.execute(LOCK, ["b"])
    first.execute("ROLLBACK")
    blocked.result(PATIENCE_SECONDS)
    until_waiting(watcher)  # the batch has a and wants b
    with ThreadPoolExecutor(1) as pool:
        opposite = pool.submit(second.execute, LOCK, ["a"])  # has b and wants a
        opposite.result(PATIENCE_SECONDS)  # it gets it: the engine was the victim
    assert not any(future.done() for future in together)
    second.execute("ROLLBACK")
    for future in together:
        future.result(PATIENCE_SECONDS)
    assert [charges(meter, company) for company in "abc"] == [1, 1, 1]
    assert verify(meter.store) == []


@pytest.mark.parametrize("when", ["IMMEDIATE", "DEFERRED"])  # at the statement, and inside COMMIT
def test_a_serialization_failure_is_tried_again_and_has_one_effect(meter, others, when):
    others[0].execute("CREATE SEQUENCE failures")  # what it counts outlives the rollback
    others[0].execute(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF nextval('failures') <= 3 THEN "
        "RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001'; END IF; RETURN NULL; END $$"
    )
    others[0].execute(
        "CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON entries DEFERRABLE "
        f"INITIALLY {when} FOR EACH ROW EXECUTE FUNCTION fail()"
    )
    meter.engine.submit(charge("a")).result(PATIENCE_SECONDS)
    assert others[0].execute("SELECT last_value FROM failures").fetchone() == (4,)
    assert charges(meter, "a") == 1
    assert verify(meter.store) == []


def test_a_store_that_always_refuses_is_busy_in_bounded_time_and_nothing_is_written(meter, others):
    others[0].execute(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001'; END $$"
    )
    others[0].execute("CREATE TRIGGER fail AFTER INSERT ON entries FOR EACH ROW EXECUTE FUNCTION fail()")
    with pytest.raises(Busy, match="nothing was written"):
        meter.engine.submit(charge("a")).result(BOUND_SECONDS)
    others[0].execute("DROP TRIGGER fail ON entries")
    meter.engine.submit(charge("a")).result(PATIENCE_SECONDS)
    assert charges(meter, "a") == 1
    assert verify(meter.store) == []


def test_a_statement_that_is_cancelled_writes_nothing_and_the_next_call_works(meter, others):
    first, _, watcher = others
    first.execute("BEGIN")
    first.execute(LOCK, ["a"])
    blocked = meter.engine.submit(charge("a"))
    until_waiting(watcher)
    watcher.execute("SELECT pg_cancel_backend(pid) FROM pg_locks WHERE NOT granted")
    with pytest.raises(StoreUnavailable, match="cancel"):
        blocked.result(PATIENCE_SECONDS)
    first.execute("ROLLBACK")
    meter.engine.submit(charge("a")).result(PATIENCE_SECONDS)
    assert charges(meter, "a") == 1


def test_what_waited_too_long_for_its_turn_is_refused_and_not_carried_out(meter, others, monkeypatch):
    first, _, watcher = others
    first.execute("BEGIN")
    first.execute(LOCK, ["a"])
    blocked = meter.engine.submit(charge("a"))
    until_waiting(watcher)
    monkeypatch.setattr("kvota.engine.QUEUE_SECONDS", 0.0)
    late = meter.engine.submit(charge("b"))
    first.execute("ROLLBACK")
    with pytest.raises(Busy, match="waited"):
        late.result(PATIENCE_SECONDS)
    blocked.result(PATIENCE_SECONDS)
    assert [charges(meter, company) for company in "ab"] == [1, 0]


@contextlib.contextmanager
def locked(store: str) -> Iterator[None]:
    """Another process has what the calls want, and keeps it."""
    if store.startswith("sqlite"):
        holder = apsw.Connection(store.removeprefix("sqlite:///"))
        holder.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            holder.execute("ROLLBACK")
            holder.close()
    else:
        with psycopg.connect(store) as holder:
            holder.execute(LOCK, ["acme"])
            yield
            holder.rollback()


def test_callers_of_a_locked_store_are_told_in_bounded_time_and_go_on_when_it_is_free(store_url, tmp_path):
    with serving(store_url, tmp_path, catalogue=CATALOGUE) as server:
        server.call("PUT", "/v1/companies/acme", {"name": "Acme", "plan": "large", "time_zone": "UTC"})
        path, keys = "/v1/companies/acme/charges", [f"key-{number}" for number in range(8)]
        with locked(store_url), ThreadPoolExecutor(len(keys)) as pool:
            started = time.monotonic()
            asked = [pool.submit(server.call, "POST", path, CHARGE, key=key) for key in keys]
            assert server.call("GET", "/v1/companies/acme/balance").status == 200  # who reads does not wait
            refused = [one.result() for one in asked]
            assert time.monotonic() - started < BOUND_SECONDS
        assert {(one.status, one.body["code"]) for one in refused} == {(503, "busy")}
        assert all(one.headers["retry-after"] == "1" for one in refused)
        again = [server.call("POST", path, CHARGE, key=key) for key in keys]
        assert {one.status for one in again} == {201}
        entries = server.call("GET", "/v1/companies/acme/entries?kind=charged").body["items"]
        assert sorted(entry["key"] for entry in entries) == keys
    assert kvota("verify", store=store_url, catalogue=CATALOGUE).returncode == 0


def test_a_key_cannot_be_made_in_a_locked_file_and_its_caller_is_told(sqlite_url, tmp_path):
    with serving(sqlite_url, tmp_path, catalogue=CATALOGUE) as server:
        server.call("PUT", "/v1/companies/acme", {"name": "Acme", "plan": "large", "time_zone": "UTC"})
        with locked(sqlite_url):
            reply = server.call("POST", "/v1/companies/acme/keys", {"role": "app"})
        assert (reply.status, reply.body["code"]) == (503, "busy")
        assert server.call("POST", "/v1/companies/acme/keys", {"role": "app"}).status == 201
