"""Defect classes at the level of real servers: holds that leak, and the expiry that races a capture."""

import json
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from tests.acceptance.servers import kvota, serving
from tests.faults.ledgers import ENDS, entries_of
from tests.faults.slow import request_of

ACME = "/v1/companies/acme"
BEFORE, AT, AFTER = "2026-03-01T10:00:00Z", "2026-03-01T10:01:00Z", "2026-03-01T10:01:01Z"
TTL = 60
HOLDS = 60


def sums(server):
    """What is held, available and used; together they are always the package."""
    balance = server.call("GET", f"{ACME}/balance").body
    return balance["allowance"]["held"], balance["available"], balance["allowance"]["used"]


def make_company(server):
    assert server.call("PUT", "/v1/sandbox/clock", {"now": BEFORE}).status == 200
    body = {"name": "Acme", "plan": "large", "time_zone": "UTC"}
    assert server.call("PUT", ACME, body).status == 201


def test_defect_2_no_hold_leaks_when_its_caller_hangs_up_and_the_server_is_killed(store_url, tmp_path):
    """A hold leaks on a cancelled request or a crash, and later calls are refused for nothing."""
    with serving(store_url, tmp_path, sandbox=True) as server:
        make_company(server)
        body = json.dumps({"action": "chat_question", "ttl": TTL}).encode()
        for number in range(20):  # nobody learns the hold's id, nobody repeats the call
            with socket.create_connection(("127.0.0.1", server.port), timeout=60) as line:
                line.sendall(request_of("POST", f"{ACME}/holds", body))
                if number % 2:
                    assert line.recv(1, socket.MSG_PEEK)
        for _ in range(10):
            assert server.call("POST", f"{ACME}/holds", {"action": "chat_question", "ttl": TTL}).status == 201
        held, available, used = sums(server)
        assert held >= 20
        assert (held + available, used) == (1000, 0)
        server.kill()
        server.start()
        held, available, used = sums(server)
        assert (held + available, used) == (1000, 0)
        server.call("PUT", "/v1/sandbox/clock", {"now": AT})
        assert sums(server) == (0, 1000, 0)
        assert server.call("GET", f"{ACME}/holds?status=open").body["items"] == []
        assert server.call("POST", f"{ACME}/adjustments", {"amount": 1000, "reason": "all of it"}).status == 201
        entries = entries_of(server, "acme")
        begun = Counter(f"hld_{entry['seq']:010}" for entry in entries if entry["kind"] == "held")
        ended = Counter(entry["details"]["hold"] for entry in entries if entry["kind"] in ENDS)
        assert len(begun) >= held
        assert sum(ended.values()) == len(begun)
        assert set(ended.values()) == {1}
    assert kvota("verify", store=store_url, sandbox=True).returncode == 0


def test_defect_3_a_late_capture_and_the_expiry_are_decided_once_by_all_servers(store_url, tmp_path):
    """The sweep races a late capture: returned and charged both, or neither."""
    with ExitStack() as stack:
        servers = [stack.enter_context(serving(store_url, tmp_path, sandbox=True)) for _ in range(2)]
        make_company(servers[0])
        made = [servers[0].call("POST", f"{ACME}/holds", {"action": "chat_question", "ttl": TTL}) for _ in range(HOLDS)]
        holds = [reply.body["id"] for reply in made]
        early, late = holds[:10], holds[-10:]

        def capture(number):
            hold = holds[number % HOLDS]
            return hold, servers[number % 2].call("POST", f"{ACME}/holds/{hold}/capture", {"quantities": {}}).status

        captured = {capture(number)[1] for number in range(len(early))}
        with ThreadPoolExecutor(12) as pool:
            replies = [pool.submit(capture, number) for number in range(10, HOLDS - 10)]
            servers[1].call("PUT", "/v1/sandbox/clock", {"now": AT})  # at this instant what is open is void
        refused = {capture(number)[1] for number in range(HOLDS - 10, HOLDS)}
        assert (captured, refused) == ({200}, {409})
        told = dict(reply.result() for reply in replies) | dict.fromkeys(early, 200) | dict.fromkeys(late, 409)
        servers[0].call("PUT", "/v1/sandbox/clock", {"now": AFTER})
        assert servers[0].call("POST", f"{ACME}/charges", {"action": "chat_question"}).status == 201
        entries = entries_of(servers[0], "acme")
        ends = [(entry["details"]["hold"], entry["kind"]) for entry in entries if entry["kind"] in ENDS]
        assert len(ends) == HOLDS
        assert dict(ends) == {hold: "captured" if status == 200 else "hold_expired" for hold, status in told.items()}
        count = Counter(told.values())[200]
        assert sums(servers[1]) == (0, 1000 - count - 1, count + 1)
    assert kvota("verify", store=store_url, sandbox=True).returncode == 0
