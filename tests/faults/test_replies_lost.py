"""Defect class 5: a reply is lost on the way, and the client repeats its call under the key.

Every call of the registry that takes a key is tried: a new one without an example here fails.
"""

import json
import socket
from typing import Any

import pytest

from kvota.api.registry import operations
from tests.acceptance.servers import Reply, Server, kvota, serving
from tests.faults.harness import kind_of
from tests.faults.ledgers import entries_of
from tests.faults.slow import request_of
from tests.verdict import Verdict

ACME = "/v1/companies/acme"
REPEATS = 3


def made(server: Server, path: str, body: object, name: str = "id") -> str:
    """Something that a call needs, made without a key."""
    reply = server.call("POST", ACME + path, body)
    assert reply.status == 201, reply
    return str(reply.body[name])


def charge(server: Server) -> str:
    return made(server, "/charges", {"action": "chat_question"})


def hold(server: Server) -> str:
    return made(server, "/holds", {"action": "site_creation"})


def order(server: Server) -> str:
    return made(server, "/orders", {"boost": "boost_20"})


def examples(server: Server) -> dict[str, tuple[str, dict[str, Any]]]:
    """The path and the body of one call of each operation that takes a key, by its name."""
    return {
        "charge": (f"{ACME}/charges", {"action": "chat_question"}),
        "refund": (f"{ACME}/charges/{charge(server)}/refund", {"reason": "broken"}),
        "measure": (f"{ACME}/charges/{charge(server)}/measures", {"measures": {"tokens": 5}}),
        "hold": (f"{ACME}/holds", {"action": "site_creation"}),
        "capture": (f"{ACME}/holds/{hold(server)}/capture", {"quantities": {"images": 3}}),
        "void": (f"{ACME}/holds/{hold(server)}/void", {}),
        "change_plan": (f"{ACME}/plan-changes", {"plan": "large"}),
        "suspend": (f"{ACME}/suspend", {"reason": "test"}),
        "resume": (f"{ACME}/resume", {}),
        "adjust": (f"{ACME}/adjustments", {"amount": 3, "reason": "test"}),
        "add_boost": (f"{ACME}/boosts", {"boost": "boost_20"}),
        "place_order": (f"{ACME}/orders", {"boost": "boost_20"}),
        "confirm_order": (f"{ACME}/orders/{order(server)}/confirm", {"reference": "invoice 7"}),
        "drop_order": (f"{ACME}/orders/{order(server)}/drop", {}),
    }


def lose_the_reply(server: Server, path: str, body: object, key: str) -> None:
    """Send the call, wait until its reply is there, and hang up without having read it."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as line:
        line.sendall(request_of("POST", path, json.dumps(body).encode(), key=key))
        assert line.recv(1, socket.MSG_PEEK)


def effects(server: Server) -> Any:
    """All that a call could do twice."""
    company = server.call("GET", ACME).body
    boosts, orders = (server.call("GET", f"{ACME}/{name}").body for name in ("boosts", "orders?limit=1000"))
    return entries_of(server, "acme"), boosts, orders, company


def repeated(server: Server, path: str, body: object, key: str) -> Reply:
    reply = server.call("POST", path, body, key=key)
    assert reply.status in (200, 201), reply
    return reply


def is_replayed(reply: Reply) -> bool:
    return {name.lower(): value for name, value in reply.headers.items()}.get("idempotency-replayed") == "true"


def lost_and_repeated(store: str, folder, rounds: int) -> Verdict:
    acknowledged, lost, double = 0, list[str](), list[str]()
    with serving(store, folder) as server:
        body = {"name": "Acme", "plan": "small", "time_zone": "UTC", "allowance_override": 100_000}
        assert server.call("PUT", ACME, body).status == 201
        for number in range(rounds):
            calls = examples(server)
            assert calls.keys() == {one.name for one in operations() if one.takes_key}
            for name, (path, content) in calls.items():
                key = f"{name}-{number}"
                lose_the_reply(server, path, content, key)
                done = effects(server)
                if number:  # also from a server that has never seen it
                    server.kill()
                    server.start()
                again = [repeated(server, path, content, key) for _ in range(REPEATS)]
                acknowledged += len(again)
                if effects(server) != done:
                    double.append(f"{name}: repeating it under its key has changed something")
                if any(one.body != again[0].body for one in again) or not all(map(is_replayed, again)):
                    lost.append(f"{name}: the first reply was not given again: {again}")
    problems = [*lost, *double]
    if kvota("verify", store=store).returncode:
        problems.append("verify found something")
    return Verdict(
        fault="the reply is lost and the call repeated",
        store=kind_of(store), runs=rounds * len(calls), acknowledged=acknowledged,
        lost=len(lost), double=len(double), problems=tuple(problems),
    )  # fmt: skip


def test_defect_5_a_reply_that_is_lost_is_given_again_by_every_call_that_takes_a_key(store_url, tmp_path, report):
    report(lost_and_repeated(store_url, tmp_path, 1))


@pytest.mark.soak
def test_defect_5_a_reply_that_is_lost_is_given_again_by_a_server_that_was_killed_meanwhile(
    store_url, tmp_path, report
):
    report(lost_and_repeated(store_url, tmp_path, 3))
