"""kill -9 under load, of a server, of one of several, of PostgreSQL: nothing acknowledged is lost or there twice."""

import contextlib
import http.client
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.acceptance.servers import serving
from tests.faults.harness import CATALOGUE, scene
from tests.faults.ledgers import entries_of

CALLS_BEFORE_A_KILL = 150


@pytest.fixture(scope="module")
def cluster() -> Iterator[postgres.Cluster]:
    """A PostgreSQL that the test may kill."""
    with postgres.cluster() as running:
        yield running


def server_killed(store, folder, times):
    with scene(store, folder, seed="kill") as it:
        for _ in range(times):
            it.callers.wait_for(CALLS_BEFORE_A_KILL)
            it.server.kill()
            it.server.start()
        return it.verdict("kill -9 of the server", runs=times, may_cut=True)


def test_nothing_is_lost_or_doubled_when_the_server_is_killed_under_load(store_url, tmp_path, report):
    report(server_killed(store_url, tmp_path, 2))


@pytest.mark.soak
def test_nothing_is_lost_or_doubled_in_twenty_kills_in_a_row(store_url, tmp_path, report):
    report(server_killed(store_url, tmp_path, 20))


def postgres_killed(cluster, folder, times):
    """The servers are left alone: they have to find their way back by themselves, and say 503 meanwhile."""
    with postgres.database(cluster.url) as store, scene(store, folder, seed="postgres", servers=2) as it:
        for _ in range(times):
            it.callers.wait_for(CALLS_BEFORE_A_KILL)
            refused = sum(call.refused for call in it.callers.calls)
            cluster.kill()
            it.callers.wait_until(lambda _: sum(c.refused for c in it.callers.calls) > refused, "was told 503")  # noqa: B023 - used at once
            cluster.start()
        it.callers.wait_for(CALLS_BEFORE_A_KILL)
        return it.verdict("kill -9 of PostgreSQL", runs=times)


def test_nothing_is_lost_or_doubled_when_postgresql_is_killed_and_servers_find_it_again(cluster, tmp_path, report):
    report(postgres_killed(cluster, tmp_path, 1))


@pytest.mark.soak
def test_nothing_is_lost_or_doubled_in_ten_kills_of_postgresql(cluster, tmp_path, report):
    report(postgres_killed(cluster, tmp_path, 10))


def status_of(server, path):
    """The status of a call whose reply is not JSON."""
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    with contextlib.closing(line):
        line.request("GET", path)
        return line.getresponse().status


def test_defect_15_nothing_is_allowed_while_the_store_is_down(cluster, tmp_path):
    """Fail open: the meter is down, so everything is allowed. Here everything is refused, clearly, and then works."""
    usage = {"action": "chat_question"}
    with postgres.database(cluster.url) as store, serving(store, tmp_path, catalogue=CATALOGUE) as server:
        body = {"name": "Acme", "plan": "large", "time_zone": "UTC"}
        assert server.call("PUT", "/v1/companies/acme", body).status == 201
        hold = server.call("POST", "/v1/companies/acme/holds", usage).body["id"]
        calls = {
            "charges": usage, "holds": usage, "quotes": usage, f"holds/{hold}/capture": {}, f"holds/{hold}/void": {},
        }  # fmt: skip
        cluster.kill()
        try:
            for path, content in calls.items():
                refused = server.call("POST", f"/v1/companies/acme/{path}", content)
                assert (refused.status, refused.body["code"]) == (503, "store_unavailable")
                headers = {name.lower(): value for name, value in refused.headers.items()}
                assert headers["content-type"] == "application/problem+json"
                assert int(headers["retry-after"]) > 0
            operations = [{"op": "charge", "company": "acme", **usage}] * 2
            batch = server.call("POST", "/v1/batch", {"operations": operations})
            assert batch.status == 503 or {one["status"] for one in batch.body["results"]} == {503}
            assert [status_of(server, path) for path in ("/readyz", "/healthz")] == [503, 200]
        finally:
            cluster.start()
        kinds = [entry["kind"] for entry in entries_of(server, "acme")]
        assert kinds == ["company_created", "held"]
        for path, content in calls.items():
            expected = (409,) if path.endswith("void") else (200, 201)
            assert server.call("POST", f"/v1/companies/acme/{path}", content).status in expected


def one_of_four_servers_killed(store, folder, times):
    chance = random.Random("one of four")  # noqa: S311 - seeded, for a test
    with scene(store, folder, seed="four servers", servers=4) as it:
        for _ in range(times):
            it.callers.wait_for(CALLS_BEFORE_A_KILL)
            victim = chance.choice(it.servers)
            victim.kill()
            it.callers.wait_for(CALLS_BEFORE_A_KILL)  # the others go on
            victim.start()
        return it.verdict("kill -9 of one of four servers", runs=times, may_cut=True)


def test_the_others_go_on_when_one_of_four_servers_is_killed(postgres_url, tmp_path, report):
    report(one_of_four_servers_killed(postgres_url, tmp_path, 1))


@pytest.mark.soak
def test_the_others_go_on_in_twenty_kills_of_one_of_four_servers(store_url, tmp_path, report):
    report(one_of_four_servers_killed(store_url, tmp_path, 20))


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def engine_killed(store, folder, times):
    """The process that decides and writes; its server stays, and starts it again."""
    with scene(store, folder, seed="engine") as it:
        for _ in range(times):
            it.callers.wait_for(CALLS_BEFORE_A_KILL)
            (engine,) = children(it.server.process.pid)
            os.kill(engine, signal.SIGKILL)
            it.callers.wait_for(CALLS_BEFORE_A_KILL)
        return it.verdict("kill -9 of the engine's process", runs=times)


def test_nothing_is_lost_or_doubled_when_the_engines_process_is_killed_under_load(store_url, tmp_path, report):
    report(engine_killed(store_url, tmp_path, 2))


@pytest.mark.soak
def test_nothing_is_lost_or_doubled_in_twenty_kills_of_the_engines_process(store_url, tmp_path, report):
    report(engine_killed(store_url, tmp_path, 20))


def test_the_engines_process_ends_when_its_server_is_killed_alone(sqlite_url, tmp_path):
    with scene(sqlite_url, tmp_path, seed="orphan") as it:
        it.callers.wait_for(CALLS_BEFORE_A_KILL)
        (engine,) = children(it.server.process.pid)
        it.server.process.kill()
        it.server.process.wait()
        until_gone(engine)
        it.server.start()
        assert it.verdict("kill -9 of the server's process alone", may_cut=True).problems == ()


def until_gone(pid: int) -> None:
    """Until a process is no more."""
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline, f"{pid} is still there"
        time.sleep(0.02)


def one_of_four_workers_killed(store, folder, times):
    chance = random.Random("one worker")  # noqa: S311 - seeded, for a test
    with scene(store, folder, seed="four workers", workers=4) as it:
        for _ in range(times):
            it.callers.wait_for(CALLS_BEFORE_A_KILL)
            os.kill(chance.choice(children(it.server.process.pid)), signal.SIGKILL)
            it.callers.wait_for(CALLS_BEFORE_A_KILL)
        return it.verdict("kill -9 of one of four workers", runs=times, may_cut=True)


def test_the_supervisor_replaces_a_worker_that_is_killed_under_load(sqlite_url, tmp_path, report):
    report(one_of_four_workers_killed(sqlite_url, tmp_path, 2))


@pytest.mark.soak
def test_the_supervisor_replaces_workers_in_twenty_kills(store_url, tmp_path, report):
    report(one_of_four_workers_killed(store_url, tmp_path, 20))
