"""Clocks that step forward and back, and clocks that are wrong (defect classes 7 and 16).

Where several processes share a store it is the store's clock that decides: PostgreSQL's. For a SQLite file it is the
machine's, which libfaketime makes step for the server's process.
"""

import datetime as dt
import re
import urllib.request
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from tests.acceptance.servers import Server, environment, kvota, serving

HOUR, DAY = 3600, 86_400
SKEW_SECONDS = 5000
NEAR_SECONDS = 300
LIBRARIES = "/usr/lib/*/faketime/libfaketimeMT.so.1"
CHARGE = {"action": "chat_question", "user": "ann"}
# A clock that steps in every way there is: over hours, days and months, and back over each of them.
STEPS = (0, 2 * HOUR, -3 * HOUR, 40 * DAY, 3 * DAY, 41 * DAY, -DAY, 100 * DAY, 0, 101 * DAY)


def faked(folder: Path) -> dict[str, str]:
    """What makes a process see the clock that ``shift`` sets."""
    found = sorted(Path("/").glob(LIBRARIES.removeprefix("/")))
    if not found:
        raise pytest.fail.Exception(
            "libfaketime is missing. This helps: sudo apt-get install -y faketime", pytrace=False
        )
    return {
        "LD_PRELOAD": str(found[0]),
        "FAKETIME_TIMESTAMP_FILE": str(folder / "clock"),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_RESET": "1",
    }


def shift(folder: Path, seconds: int) -> None:
    """By so much the clock differs from now on."""
    new = folder / "clock.new"
    new.write_text(f"{seconds:+d}\n")
    new.rename(folder / "clock")


class Stepping(NamedTuple):
    """A server, and what sets the clock that decides."""

    server: Server
    store: str
    step: Callable[[int], None]


@pytest.fixture
def on_sqlite(sqlite_url, tmp_path) -> Iterator[Stepping]:
    shift(tmp_path, 0)
    server = Server(tmp_path, environment(sqlite_url) | faked(tmp_path))
    try:
        server.start()
        yield Stepping(server, sqlite_url, lambda seconds: shift(tmp_path, seconds))
    finally:
        server.kill()


@pytest.fixture
def on_postgres(postgres_url, tmp_path) -> Iterator[Stepping]:
    """In this database another function stands before PostgreSQL's own."""
    with psycopg.connect(postgres_url, autocommit=True) as session:
        session.execute("CREATE SCHEMA clock")
        session.execute("CREATE TABLE clock.shift AS SELECT 0 AS seconds")
        session.execute(
            "CREATE FUNCTION clock.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$ "
            "SELECT pg_catalog.clock_timestamp() + seconds * interval '1 second' FROM clock.shift $$"
        )
        session.execute(f"ALTER DATABASE {session.info.dbname} SET search_path = public, clock, pg_catalog")
        with serving(postgres_url, tmp_path) as server:
            yield Stepping(
                server, postgres_url, lambda seconds: session.execute("UPDATE clock.shift SET seconds = %s", [seconds])
            )


@pytest.fixture(params=["sqlite", "postgres"])
def stepping(request) -> Stepping:
    return request.getfixturevalue(f"on_{request.param}")


def instant(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def entries(server: Server) -> list[dict]:
    return server.call("GET", "/v1/companies/acme/entries?limit=1000").body["items"]


def test_a_clock_that_steps_renews_nothing_twice_and_never_goes_back_for_a_company(stepping):
    server, store, step = stepping
    company = {"name": "Acme", "plan": "small", "time_zone": "Europe/Moscow"}
    assert server.call("PUT", "/v1/companies/acme", company).status == 201
    holds = []
    for seconds in STEPS:
        step(seconds)
        assert server.call("POST", "/v1/companies/acme/charges", CHARGE).status == 201
        hold = server.call("POST", "/v1/companies/acme/holds", {**CHARGE, "ttl": HOUR})
        assert hold.status == 201
        holds.append(hold.body["id"])
        balance = server.call("GET", "/v1/companies/acme/balance").body
        assert balance["hourly"]["used"] >= 2  # the calls of just now; a clock that steps back frees none
    step(STEPS[-1] + 2 * HOUR)
    assert server.call("POST", "/v1/companies/acme/charges", CHARGE).status == 201
    written = entries(server)
    assert [entry["kind"] for entry in written].count("charged") == len(STEPS) + 1
    assert all(one["at"] <= other["at"] for one, other in pairwise(written))
    begun = [entry["details"]["start"] for entry in written if entry["kind"] == "period_started"]
    assert begun == sorted(set(begun))
    assert len(begun) >= 2  # the steps lead into further months, whatever day it is today
    ended = [entry["details"]["hold"] for entry in written if entry["kind"] == "hold_expired"]
    assert sorted(ended) == sorted(holds)
    assert kvota("verify", store=store).returncode == 0


def test_an_hour_is_full_until_it_is_over_whatever_the_clock_does(stepping):
    server, _, step = stepping
    company = {"name": "Acme", "plan": "large", "time_zone": "UTC"}
    assert server.call("PUT", "/v1/companies/acme", company).status == 201
    operation = {"op": "charge", "company": "acme", **CHARGE}
    full = server.call("POST", "/v1/batch", {"operations": [operation] * 600}).body["results"]
    assert {one["status"] for one in full} == {201}
    for seconds in (0, -HOUR, -DAY, HOUR // 2):
        step(seconds)
        refused = server.call("POST", "/v1/companies/acme/charges", CHARGE)
        assert (refused.status, refused.body["code"]) == (429, "hourly_limit")
    step(HOUR + 60)
    assert server.call("POST", "/v1/companies/acme/charges", CHARGE).status == 201


def test_a_server_whose_clock_is_wrong_goes_by_the_store_and_says_by_how_much(postgres_url, tmp_path):
    shift(tmp_path, SKEW_SECONDS)
    server = Server(tmp_path, environment(postgres_url) | faked(tmp_path))
    try:
        server.start()
        told = re.search(r"clock: the store's, which is ([-+][0-9.]+) s from this machine's", server.log.read_text())
        assert told is not None
        assert abs(float(told[1]) + SKEW_SECONDS) < NEAR_SECONDS
        company = {"name": "Acme", "plan": "small", "time_zone": "UTC"}
        assert server.call("PUT", "/v1/companies/acme", company).status == 201
        charge = server.call("POST", "/v1/companies/acme/charges", CHARGE).body
        assert abs((instant(charge["at"]) - dt.datetime.now(dt.UTC)).total_seconds()) < NEAR_SECONDS
        with urllib.request.urlopen(server.url + "/metrics") as reply:  # noqa: S310 - loopback
            measured = re.search(r"^kvota_clock_skew_seconds (\S+)$", reply.read().decode(), re.MULTILINE)
        assert measured is not None
        assert abs(float(measured[1]) + SKEW_SECONDS) < NEAR_SECONDS
    finally:
        server.kill()
