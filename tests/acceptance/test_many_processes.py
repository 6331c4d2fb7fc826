"""Any number of server processes on one store are as exact as one."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx2
import pytest

from tests.acceptance.servers import CATALOGUE, OPERATOR_KEY, Server, kvota, serving
from tests.postgres import database

CHAT = '[actions.chat_question]\ntool = "chat"\nbase = 1'


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def shared_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a store for several tests, each with companies of its own."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('shared')}/kvota.db"
        return
    with database(request.getfixturevalue("postgres_server")) as url:
        yield url


@pytest.fixture(scope="module")
def servers(shared_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    """Four processes on that store."""
    folder = tmp_path_factory.mktemp("four")
    with ExitStack() as stack:
        yield [stack.enter_context(serving(shared_url, folder)) for _ in range(4)]


def test_defect_1_two_hundred_callers_of_four_processes_share_the_last_ten_requests(shared_url, servers):
    """Check, then act."""
    body = {"name": "Acme", "plan": "tiny", "time_zone": "UTC"}
    assert servers[0].call("PUT", "/v1/companies/acme-1", body).status == 201

    def charge(number: int) -> int:
        return servers[number % 4].call("POST", "/v1/companies/acme-1/charges", {"action": "chat_question"}).status

    with ThreadPoolExecutor(64) as pool:
        statuses = Counter(pool.map(charge, range(200)))
    assert statuses == {201: 10, 402: 190}
    assert {server.call("GET", "/v1/companies/acme-1/balance").body["available"] for server in servers} == {0}
    assert kvota("verify", store=shared_url).returncode == 0


def test_defect_11_a_limit_is_one_limit_however_many_processes_there_are(servers):
    """Limits held in each process: the hour and a user's day."""
    for company, plan in (("hourly", "large"), ("daily", "textual")):
        body = {"name": company, "plan": plan, "time_zone": "UTC"}
        assert servers[0].call("PUT", f"/v1/companies/{company}", body).status == 201
    many = [{"op": "charge", "company": "hourly", "action": "chat_question"}] * 590
    assert servers[0].call("POST", "/v1/batch", {"operations": many}).status == 200

    def charge(number: int) -> tuple[str, int]:
        company = ("hourly", "daily")[number % 2]
        usage = {"action": "chat_question", "user": "ivan"}
        return company, servers[number % 4].call("POST", f"/v1/companies/{company}/charges", usage).status

    with ThreadPoolExecutor(32) as pool:
        statuses = Counter(pool.map(charge, range(80)))
    assert statuses == {("hourly", 201): 10, ("hourly", 429): 30, ("daily", 201): 5, ("daily", 429): 35}


def test_defect_5_the_same_key_sent_to_four_processes_at_once_is_one_charge(servers):
    """The client repeats, whoever it reaches."""
    body = {"name": "Acme", "plan": "small", "time_zone": "UTC"}
    servers[0].call("PUT", "/v1/companies/acme-5", body)

    def charge(number: int) -> str:
        usage = {"action": "crm_call_processing", "subject": "call:71"}
        reply = servers[number % 4].call("POST", "/v1/companies/acme-5/charges", usage, key="message-71")
        assert reply.status == 201
        return reply.body["id"]

    with ThreadPoolExecutor(40) as pool:
        assert len(set(pool.map(charge, range(80)))) == 1
    assert servers[3].call("GET", "/v1/companies/acme-5/balance").body["available"] == 97


def test_defect_9_an_order_confirmed_by_many_at_once_is_credited_once(servers):
    """A top-up credited twice."""
    servers[0].call("PUT", "/v1/companies/acme-9", {"name": "Acme", "plan": "tiny", "time_zone": "UTC"})
    order = servers[0].call("POST", "/v1/companies/acme-9/orders", {"boost": "boost_20"}).body["id"]

    def confirm(number: int) -> str:
        path = f"/v1/companies/acme-9/orders/{order}/confirm"
        reply = servers[number % 4].call("POST", path, {"reference": f"invoice {number}"})
        assert reply.status == 200
        return reply.body["credited"]["id"]

    with ThreadPoolExecutor(32) as pool:
        assert len(set(pool.map(confirm, range(64)))) == 1
    assert servers[1].call("GET", "/v1/companies/acme-9/balance").body["available"] == 30


def test_defect_4_two_captures_at_once_have_one_winner(servers):
    """With other quantities the loser gets hold_closed, with the same ones the winner's reply."""
    servers[0].call("PUT", "/v1/companies/acme-4", {"name": "Acme", "plan": "small", "time_zone": "UTC"})
    hold = servers[0].call("POST", "/v1/companies/acme-4/holds", {"action": "site_creation"}).body["id"]

    def capture(number: int) -> tuple[int, int]:
        path = f"/v1/companies/acme-4/holds/{hold}/capture"
        images = number % 4
        return images, servers[number % 4].call("POST", path, {"quantities": {"images": images + 3}}).status

    with ThreadPoolExecutor(32) as pool:
        replies = list(pool.map(capture, range(64)))
    winners = {images for images, status in replies if status == 200}
    assert len(winners) == 1
    assert all(status == (200 if images in winners else 409) for images, status in replies)
    used = servers[0].call("GET", "/v1/companies/acme-4/balance").body["allowance"]
    assert used["held"] == 0
    assert used["used"] == winners.pop() + 6


def test_defect_12_a_catalogue_loaded_by_one_process_prices_the_next_call_of_every_other(store_url, tmp_path):
    """And no process lets a company onto a plan that the catalogue has dropped."""
    text = CATALOGUE.read_text()
    newer = text.replace('version = "2026-01-01"', 'version = "2026-01-02"').replace("[plans.large]", "[plans.huge]")
    newer = newer.replace(CHAT, CHAT.replace("1", "2"))
    assert newer.count("base = 2") == text.count("base = 2") + 1
    with ExitStack() as stack:
        servers = [stack.enter_context(serving(store_url, tmp_path)) for _ in range(3)]
        for number in range(3):
            body = {"name": "Acme", "plan": "small", "time_zone": "UTC"}
            assert servers[number].call("PUT", f"/v1/companies/c{number}", body).status == 201
            charge = servers[number].call("POST", f"/v1/companies/c{number}/charges", {"action": "chat_question"})
            assert charge.body["cost"] == 1
        assert load(servers[0], newer)["edition"]["in_force"]
        for number, server in enumerate(servers):
            charge = server.call("POST", f"/v1/companies/c{number}/charges", {"action": "chat_question"})
            assert (charge.body["cost"], charge.body["catalogue"]) == (2, "2026-01-02")
            moved = server.call("POST", f"/v1/companies/c{number}/plan-changes", {"plan": "large"})
            assert (moved.status, moved.body["code"]) == (422, "unknown_plan")
    assert kvota("verify", store=store_url).returncode == 0


def load(server: Server, text: str) -> Any:
    headers = {"Authorization": f"Bearer {OPERATOR_KEY}", "Content-Type": "application/toml"}
    reply = httpx2.post(f"{server.url}/v1/catalogues", content=text.encode(), headers=headers, timeout=60)
    assert reply.status_code == 201, reply.text
    return reply.json()
