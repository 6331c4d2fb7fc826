"""The contract of portals, engines and jobs: who has a job, for how long, and what is left of it."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from kvota.portals import Engine, Job, Portal, Transcript
from kvota.store import Store

PORTAL = Portal(
    portal="m1",
    company="acme",
    kind="app",
    origin="https://acme.bitrix24.ru",
    hosts=("acme.bitrix24.ru", "cdn.bitrix24.ru"),
    language="ru",
    access_token="at",
    refresh_token="rt",
    access_until=5,
)
ENGINE = Engine(hash="h1", portal="m1", company="acme", scenario="crm", category="text", code="kvota_crm")
MINUTE = 60_000


def job(hashed: str, **changed: Any) -> Job:
    one = Job(company="acme", hash=hashed, portal="m1", scenario="crm", category="text", body='{"a":"ы"}', ttl=MINUTE)
    return replace(one, **changed)


def test_a_portal_is_kept_whole_and_replaced(store: Store) -> None:
    store.put_portal(PORTAL)
    assert store.portal("m1") == PORTAL
    store.put_portal(replace(PORTAL, access_token="new"))
    assert [one.access_token for one in store.portals("", 10)] == ["new"]
    assert store.portals("m1", 10) == []
    assert store.portal("m2") is None


def test_a_portal_shows_no_token_of_its_own() -> None:
    assert "at" not in repr(PORTAL).replace("Portal", "").replace("acme.bitrix24", "")


def test_an_engine_is_found_by_its_secrets_hash_and_has_one_code_in_a_portal(store: Store) -> None:
    assert store.add_engine(ENGINE)
    assert not store.add_engine(replace(ENGINE, hash="h2"))
    assert store.add_engine(replace(ENGINE, hash="h3", code="kvota_a"))
    assert store.find_engine("h1") == ENGINE
    assert [one.code for one in store.engines("m1")] == ["kvota_a", "kvota_crm"]
    assert store.remove_engine("m1", "kvota_crm")
    assert not store.remove_engine("m1", "kvota_crm")
    assert store.find_engine("h1") is None


def test_a_portal_goes_with_its_engines(store: Store, store_url: str) -> None:
    store.put_portal(replace(PORTAL, refresh_token="token-that-must-go"))
    store.add_engine(ENGINE)
    assert store.remove_portal("m1")
    assert not store.remove_portal("m1")
    assert store.find_engine("h1") is None
    if store_url.startswith("sqlite"):
        path = store_url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert b"token-that-must-go" not in Path(path).read_bytes()


def test_a_job_is_taken_once_whatever_comes_with_its_hash(store: Store) -> None:
    before = store.real_clock()
    store.add_jobs([job("j1"), job("j1", body="other"), job("j2")])
    store.add_jobs([job("j1", body="other")])
    kept = store.job("acme", "j1")
    assert kept is not None
    assert (kept.body, kept.status) == ('{"a":"ы"}', "waiting")
    assert before <= kept.taken_at == kept.due_at <= store.real_clock()
    assert kept.expires_at == kept.taken_at + MINUTE
    assert store.count_jobs() == {"waiting": 2}
    assert store.job("other", "j1") is None


def test_a_job_is_had_by_one_lease_until_its_time_is_over(store: Store, other: Store) -> None:
    assert not store.has_due_jobs()
    store.add_jobs([job("j1"), job("j2"), job("j3")])
    assert store.has_due_jobs()
    assert [one.hash for one in store.claim_jobs("a", MINUTE, 2)] == ["j1", "j2"]
    assert [one.hash for one in other.claim_jobs("b", 0, 9)] == ["j3"]
    assert [one.lease for one in other.claim_jobs("c", MINUTE, 9)] == ["c"]
    assert not store.has_due_jobs()
    assert store.claim_jobs("a", MINUTE, 9) == []


def test_who_has_lost_a_job_cannot_save_it(store: Store) -> None:
    store.add_jobs([job("j1")])
    (late,) = store.claim_jobs("a", 0, 1)
    (mine,) = store.claim_jobs("b", MINUTE, 1)
    assert not store.save_job(replace(late, status="answered", answer="late"), None)
    assert store.save_job(replace(mine, status="answered", answer="mine", hold="hld_1", attempts=2), None)
    kept = store.job("acme", "j1")
    assert kept is not None
    assert (kept.status, kept.answer, kept.hold, kept.attempts, kept.lease) == ("answered", "mine", "hld_1", 2, "b")


def test_a_job_that_is_kept_is_not_given_to_others(store: Store) -> None:
    store.add_jobs([job("j1"), job("j2")])
    store.claim_jobs("a", 0, 9)
    store.keep_jobs("a", MINUTE, [("acme", "j1")])
    store.keep_jobs("x", MINUTE, [("acme", "j2")])
    assert [one.hash for one in store.claim_jobs("b", MINUTE, 9)] == ["j2"]


def test_a_job_that_is_given_back_is_due_after_its_delay(store: Store) -> None:
    store.add_jobs([job("j1"), job("j2")])
    first, second = store.claim_jobs("a", MINUTE, 9)
    assert store.save_job(first, 0)
    assert store.save_job(second, MINUTE)
    assert [one.hash for one in store.claim_jobs("b", MINUTE, 9)] == ["j1"]


def test_a_job_that_has_ended_is_nobodys_and_what_was_said_is_erased(store: Store) -> None:
    store.add_jobs([job("j1"), job("j2")])
    for one in store.claim_jobs("a", 0, 9):
        status = "done" if one.hash == "j1" else "lost"
        assert store.save_job(replace(one, status=status, answer="said", measures="{}", is_refused=True), None)
    assert store.claim_jobs("b", MINUTE, 9) == []
    kept = store.job("acme", "j1")
    assert kept is not None
    assert (kept.body, kept.answer, kept.measures, kept.lease, kept.is_refused) == ("", None, None, None, True)
    assert store.count_jobs() == {"done": 1, "lost": 1}


def test_jobs_that_ended_long_ago_are_forgotten_and_open_ones_are_not(store: Store) -> None:
    store.add_jobs([job("j1"), job("j2")])
    (one, _) = store.claim_jobs("a", 0, 9)
    store.save_job(replace(one, status="done"), None)
    assert store.forget_jobs(MINUTE) == 0
    assert store.forget_jobs(-MINUTE) == 1
    assert store.count_jobs() == {"waiting": 1}


def test_many_that_claim_at_once_get_each_job_once(store: Store, other: Store) -> None:
    store.add_jobs([job(f"j{number}") for number in range(60)])
    barrier = threading.Barrier(6)
    found: list[str] = []

    def claim(which: Store, lease: str) -> None:
        barrier.wait()
        for _ in range(5):
            found.extend(one.hash for one in which.claim_jobs(lease, MINUTE, 4))

    threads = [threading.Thread(target=claim, args=((store, other)[n % 2], f"l{n}")) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found += [one.hash for one in store.claim_jobs("rest", MINUTE, 60)]
    assert sorted(found) == sorted(f"j{number}" for number in range(60))


def test_a_transcript_is_found_by_how_it_begins_in_its_company(store: Store) -> None:
    one = Transcript(company="acme", start="s1", words=9, hash="t1", subject="call:1")
    for transcript in (one, replace(one, hash="t0", subject="call:0"), replace(one, company="other")):
        store.add_transcript(transcript)
    assert [found.subject for found in store.transcripts("acme", ["s0", "s1"])] == ["call:0", "call:1"]
    assert store.transcripts("acme", ["s2"]) == []
    store.add_transcript(replace(one, subject="call:2"))
    assert [found.subject for found in store.transcripts("acme", ["s1"])] == ["call:0", "call:2"]


def test_looking_for_work_reads_no_job_that_has_ended(store: Store) -> None:
    store.add_jobs([job(f"j{number}") for number in range(50)])
    for one in store.claim_jobs("a", 0, 50):
        store.save_job(replace(one, status="done"), None)
    store.add_jobs([job("open")])
    assert [one.hash for one in store.claim_jobs("b", MINUTE, 50)] == ["open"]


def test_processes_that_take_the_same_jobs_do_not_wait_for_each_other(store: Store, other: Store) -> None:
    jobs = [job(f"j{number}") for number in range(300)]
    barrier = threading.Barrier(2)
    problems: list[Exception] = []

    def take(which: Store, mine: list[Job]) -> None:
        barrier.wait()
        for start in range(0, len(mine), 100):
            try:
                which.add_jobs(mine[start : start + 100])
            except Exception as problem:  # noqa: BLE001 - told below
                problems.append(problem)

    threads = [
        threading.Thread(target=take, args=(store, jobs)),
        threading.Thread(target=take, args=(other, jobs[::-1])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert store.count_jobs() == {"waiting": 300}
