"""A company is told once of each level that it crosses: by the entry that crosses it, whichever process writes that."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import pairwise

import httpx2

from kvota.core.notices import Notifications
from kvota.store import EntryFilter
from kvota.stores import open_store
from tests.acceptance.servers import OPERATOR_KEY, kvota, serving

ACME = "/v1/companies/acme"
LEVELS = tuple(range(5, 101, 5))
CALLERS, CALLS = 12, 160


def test_defect_14_each_crossing_is_told_once_by_its_own_entry_also_when_processes_are_killed(store_url, tmp_path):
    """An alert is sent twice, or hours late: several processes cross at once, and one of them is killed meanwhile."""
    with ExitStack() as stack:
        servers = [stack.enter_context(serving(store_url, tmp_path)) for _ in range(3)]
        assert servers[0].call("PUT", ACME, {"name": "Acme", "plan": "small", "time_zone": "UTC"}).status == 201
        store = open_store(store_url)
        stack.callback(store.close)
        store.put_notifications(Notifications(company="acme", levels=LEVELS))
        done, half = Counter(), threading.Event()

        def charge(number: int) -> None:
            client = httpx2.Client(headers={"Authorization": f"Bearer {OPERATOR_KEY}"}, timeout=60)
            with client:
                for _ in range(CALLS // CALLERS):
                    try:
                        url = servers[number % 3].url + f"{ACME}/charges"
                        done[client.post(url, json={"action": "chat_question"}).status_code] += 1
                    except httpx2.HTTPError:
                        done["lost"] += 1
                        number += 1
                    if done[201] > 30:
                        half.set()

        with ThreadPoolExecutor(CALLERS) as pool:
            calls = [pool.submit(charge, number) for number in range(CALLERS)]
            assert half.wait(60)
            servers[0].kill()
            for call in calls:
                call.result()
        assert done["lost"] > 0
        servers[0].start()
        for _ in range(servers[0].call("GET", f"{ACME}/balance").body["available"]):
            assert servers[0].call("POST", f"{ACME}/charges", {"action": "chat_question"}).status == 201
        with store.snapshot() as view:
            entries = [one.entry for one in view.entries("acme", EntryFilter(), 0, 1000)]
        expected = {}
        for before, entry in pairwise(entries):
            for level in LEVELS:
                if before.balance.used < level <= entry.balance.used:
                    expected[level] = (entry.seq, entry.at)
        assert sorted(expected) == list(LEVELS)
        told = store.told(["acme"], 0)
        assert Counter(one.data["level"] for one in told) == Counter(LEVELS)
        assert {one.data["level"]: (one.data["entry"], one.at) for one in told} == expected
    assert kvota("verify", store=store_url).returncode == 0
