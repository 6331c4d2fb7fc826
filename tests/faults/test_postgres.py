"""PostgreSQL restarted in order, out of connections, read-only: callers are told, and servers find their way back."""

import contextlib
from collections.abc import Iterator

import psycopg
import pytest

from tests import postgres
from tests.faults.harness import Scene, scene

CALLS = 60
FEW = 20
MANY = 200
OURS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'kvota'"


@pytest.fixture
def cluster() -> Iterator[postgres.Cluster]:
    """A PostgreSQL of the test's own, with few connections."""
    with postgres.cluster(max_connections=FEW, superuser_reserved_connections=0) as running:
        yield running


def until_refused(it: Scene) -> None:
    """Until callers are told 503."""
    before = sum(call.refused for call in it.callers.calls)
    it.callers.wait_until(lambda _: sum(call.refused for call in it.callers.calls) > before, "was told 503")


def restarted(cluster, folder, times):
    with postgres.database(cluster.url) as store, scene(store, folder, seed="restart", servers=2) as it:
        for _ in range(times):
            it.callers.wait_for(CALLS)
            cluster.stop()
            until_refused(it)
            cluster.start()
        it.callers.wait_for(CALLS)
        return it.verdict("PostgreSQL restarted in order", runs=times)


def out_of_connections(cluster, folder, times):
    with postgres.database(cluster.url) as store, scene(store, folder, seed="connections") as it:
        for _ in range(times):
            it.callers.wait_for(CALLS)
            with contextlib.ExitStack() as taken:
                first = taken.enter_context(psycopg.connect(cluster.url, autocommit=True))
                for _ in range(MANY):  # ours are ended again and again, until theirs are all that there are
                    first.execute(OURS)
                    with contextlib.suppress(psycopg.OperationalError):
                        taken.enter_context(psycopg.connect(cluster.url))
                until_refused(it)
        it.callers.wait_for(CALLS)
        return it.verdict("PostgreSQL out of connections", runs=times)


def read_only(cluster, folder, times):
    with postgres.database(cluster.url) as store, scene(store, folder, seed="standby") as it:
        for _ in range(times):
            it.callers.wait_for(CALLS)
            cluster.demote()
            until_refused(it)
            ready = it.server.call("GET", "/readyz")
            assert (ready.status, ready.body["code"]) == (503, "store_unavailable")
            with psycopg.connect(cluster.url, autocommit=True) as session:
                session.execute("SELECT pg_promote()")
        it.callers.wait_for(CALLS)
        return it.verdict("PostgreSQL read-only for a time", runs=times)


@pytest.mark.soak
def test_callers_are_told_within_a_minute_when_postgresql_is_frozen(cluster, tmp_path, report):
    with postgres.database(cluster.url) as store, scene(store, tmp_path, seed="frozen", servers=2) as it:
        it.callers.wait_for(CALLS)
        with cluster.frozen():
            until_refused(it)
        it.callers.wait_for(CALLS)
        report(it.verdict("PostgreSQL frozen for a time"))


FAULTS = [restarted, out_of_connections, read_only]


@pytest.mark.parametrize("fault", FAULTS)
def test_servers_find_their_way_back_when_postgresql_was(fault, cluster, tmp_path, report):
    report(fault(cluster, tmp_path, 1))


@pytest.mark.soak
@pytest.mark.parametrize("fault", FAULTS)
def test_servers_find_their_way_back_again_and_again(fault, cluster, tmp_path, report):
    report(fault(cluster, tmp_path, 10))


def test_a_database_that_is_read_only_by_default_is_written_to_all_the_same(postgres_url, tmp_path, report):
    with psycopg.connect(postgres_url, autocommit=True) as session:
        name = session.info.dbname
        session.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with scene(postgres_url, tmp_path, seed="default") as it:
        it.callers.wait_for(CALLS)
        report(it.verdict("PostgreSQL read-only by default", may_refuse=False))
