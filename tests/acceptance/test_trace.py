"""The main job on real input: every call of a real trace is counted, and the ledger agrees to the request."""

import csv
import json
from bisect import bisect_right
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.acceptance import TRACE
from tests.acceptance.servers import kvota, serving

HOUR = 3_600_000
LIMIT = 600
ROOMY = Path(__file__).parent / "roomy.toml"
MEASURES = ("--measure", "context_tokens=ContextTokens", "--measure", "generated_tokens=GeneratedTokens")


def check_at_full_speed(store_url: str, spread: str, tmp_path: Path) -> None:
    calls = len(TRACE.read_text().splitlines()) - 1
    log = tmp_path / "calls.jsonl"
    with serving(store_url, tmp_path) as server:
        replayed = kvota(
            *("replay", str(TRACE), "--companies", "20", "--spread", spread, "--users", "9", "--seed", "7"),
            *("--actions", "chat_question=5,feed_text=3,crm_call_processing=1", *MEASURES),
            *("--connections", "64", "--log", str(log), "--json"),
            store=store_url,
            url=server.url,
        )
        assert replayed.returncode in (0, 1), replayed.stderr
        told = [json.loads(line) for line in log.read_text().splitlines()]
        charged = Counter()
        for call in told:
            charged[call["company"]] += call["cost"] if call["status"] == "approved" else 0
        assert len(told) == calls
        for company, requests in charged.items():
            usage = server.call("GET", f"/v1/companies/{company}/usage?from=2026-01-01&to=2030-01-01&by=tool").body
            assert usage["total"]["requests"] == requests
            assert sum(one["count"] for one in usage["declines"]) == sum(
                call["status"] != "approved" for call in told if call["company"] == company
            )
    verified = kvota("verify", store=store_url)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_a_real_trace_at_full_speed_is_counted_to_the_request(store_url, tmp_path):
    check_at_full_speed(store_url, "evenly" if store_url.startswith("sqlite") else "zipf", tmp_path)


@pytest.mark.soak
def test_a_real_trace_is_counted_to_the_request_however_it_is_spread(store_url, tmp_path):
    check_at_full_speed(store_url, "zipf" if store_url.startswith("sqlite") else "evenly", tmp_path)


def instants(repeat: int) -> list[int]:
    """The trace's instants in milliseconds, so many times, 50 minutes apart."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    with TRACE.open() as file:
        rows = [datetime.fromisoformat(row["TIMESTAMP"][:26]).replace(tzinfo=UTC) for row in csv.DictReader(file)]
    once = [((moment - epoch).days * 86_400_000 + (moment - epoch).seconds * 1000
              + (moment - epoch).microseconds // 1000) for moment in rows]  # fmt: skip
    return sorted(at + n * 50 * 60_000 for n in range(repeat) for at in once)


def brute_force(times: list[int]) -> list[bool]:
    """A call is approved where fewer than the limit were approved in the sixty minutes before it."""
    approved: list[int] = []
    answers: list[bool] = []
    for at in times:
        is_free = len(approved) - bisect_right(approved, at - HOUR) < LIMIT
        if is_free:
            approved.append(at)
        answers.append(is_free)
    return answers


def clocked(store: str, repeat: int, log: Path) -> list[bool]:
    """Replay the trace so many times on its own clock into one company; which calls were approved."""
    replayed = kvota(
        *("replay", str(TRACE), "--clock", "trace", "--repeat", str(repeat), "--shift", "50m", "--companies", "1"),
        *("--plan", "large", "--log", str(log), "--json"),
        store=store,
        sandbox=True,
        catalogue=ROOMY,
    )
    assert replayed.returncode in (0, 1), replayed.stderr
    return [json.loads(line)["status"] == "approved" for line in log.read_text().splitlines()]


def check_against_brute_force(store: str, repeat: int, tmp_path: Path) -> None:
    expected = brute_force(instants(repeat))
    assert len(expected) == repeat * 8819
    assert sum(expected) > (repeat - 1) * LIMIT, "slots have been freed again"
    assert clocked(store, repeat, tmp_path / "calls.jsonl") == expected


def test_the_hourly_limit_on_the_traces_own_clock_is_that_of_a_brute_force_count(tmp_path):
    check_against_brute_force("sqlite:///:memory:", 2, tmp_path)


@pytest.mark.soak
def test_the_hourly_limit_on_the_traces_own_clock_is_the_same_on_durable_stores(store_url, tmp_path):
    check_against_brute_force(store_url, 3, tmp_path)
