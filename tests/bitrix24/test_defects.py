"""Classes of defects of systems of this kind, forced on a portal's jobs."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import apsw
import psycopg
import pytest

from tests.bitrix24.portal import ANSWER_SECONDS
from tests.bitrix24.rig import Rig, rigged
from tests.upstreams.service import never


@pytest.fixture
def rig(sqlite_url: str, tmp_path: Path) -> Iterator[Rig]:
    with rigged(tmp_path, sqlite_url) as found:
        yield found
        assert found.portal.violations == []


def test_defect_2_no_hold_leaks_when_the_server_is_killed_in_the_middle_of_jobs(rig: Rig) -> None:
    """A hold leaks on a crash, and later calls are refused for nothing."""
    rig.behave(never)
    jobs = [rig.portal.ask(rig.portal.engine("_texts"), prompt=f"Question {number}") for number in range(10)]
    rig.portal.until(lambda: len(rig.service.seen) >= len(jobs))
    assert len(rig.get("holds?status=open")["items"]) == 10
    rig.server.kill()
    rig.behave(None)
    rig.server.start()
    rig.portal.wait(*jobs)
    rig.idle()
    assert Counter(one["kind"] for one in rig.entries("held", "captured", "voided")) == {"held": 10, "captured": 10}
    assert rig.get("holds?status=open")["items"] == []


def test_defect_5_a_server_that_is_killed_before_it_heard_that_the_answer_was_taken_charges_once(rig: Rig) -> None:
    """The reply is lost on the way, and what it answered is done again."""
    rig.portal.loses_reply = lambda job: job.callbacks < 3
    job = rig.portal.make(rig.portal.engine("_texts"), prompt="Once", ttl=600)
    rig.portal.run(rig.portal.post(job))
    rig.portal.wait(job)
    rig.server.kill()
    rig.server.start()
    rig.idle()
    assert (job.result, rig.used(), len(rig.entries("held"))) == ("Hello, world!", 1, 1)
    assert job.callbacks >= 3


def test_defect_15_what_cannot_be_kept_is_not_accepted(rig: Rig) -> None:
    """The store is away, so everything is promised."""
    with contextlib.closing(apsw.Connection(rig.store.removeprefix("sqlite:///"))) as other:
        other.execute("BEGIN IMMEDIATE")
        job = rig.portal.make(rig.portal.engine("_texts"), prompt="Now?")
        rig.portal.run(rig.portal.post(job))
        assert job.status == 503
        assert job.seconds < ANSWER_SECONDS
        other.execute("ROLLBACK")
    again = rig.portal.ask(rig.portal.engine("_texts"), prompt="And now?")
    assert again.is_accepted
    rig.portal.wait(again)


def test_a_portal_that_asks_while_the_database_is_away_for_a_moment_is_not_refused(
    postgres_server: str, postgres_url: str, tmp_path: Path
) -> None:
    name = urlsplit(postgres_url).path.strip("/")
    with rigged(tmp_path, postgres_url) as rig, psycopg.connect(postgres_server, autocommit=True) as server:
        engine = rig.portal.engine("_texts")
        rig.portal.answer(engine, prompt="Before")
        server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        job = rig.portal.make(engine, prompt="Meanwhile")
        sending = asyncio.run_coroutine_threadsafe(rig.portal.post(job), rig.portal.loop)
        rig.portal.until(lambda: "store_unavailable" in rig.server.log.read_text())
        server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        sending.result(20)
        assert job.status == 202
        rig.portal.wait(job)
        rig.idle()
        assert (rig.used(), rig.portal.violations) == (2, [])


def test_defect_3_an_answer_that_was_taken_after_its_hold_has_expired_is_charged_anew_and_once(
    sqlite_url: str, tmp_path: Path
) -> None:
    """The sweep races a late capture, and the charge is dropped."""
    with rigged(tmp_path, sqlite_url, KVOTA_SANDBOX="1") as rig:
        rig.server.call("PUT", "/v1/sandbox/clock", {"now": "2027-03-01T10:00:00Z"})
        rig.portal.down = lambda _: True
        job = rig.portal.ask(rig.portal.engine("_texts"), prompt="Late", ttl=600)
        rig.portal.until(lambda: job.callbacks > 0)
        rig.server.call("PUT", "/v1/sandbox/clock", {"now": "2027-03-03T10:00:00Z"})
        rig.portal.down = lambda _: False
        rig.portal.wait(job)
        rig.idle()
        assert [one["kind"] for one in rig.entries("held", "hold_expired", "captured", "charged")] == [
            "held",
            "hold_expired",
            "charged",
        ]
        assert (job.result, rig.used()) == ("Hello, world!", 1)
