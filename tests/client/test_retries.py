"""Real faults between a client and its server: one effect, the same key, within the deadline, and never an approval."""

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kvota import errors as e
from kvota.client import AsyncClient, ChargeOperation, Client, Patience
from tests.acceptance.servers import OPERATOR_KEY, Server, serving
from tests.client.awaited import Awaited
from tests.client.faulty import Faulty, answer, faulty, http, lose_the_reply, stay_silent

QUICK = Patience(first_pause_seconds=0.01, longest_pause_seconds=0.1)
BUSY = (
    b'{"type": "/docs#busy", "title": "Too much at once", "status": 503, "detail": "Later.", "code": "busy"}'
)  # fmt: skip
PROBLEM = b"Content-Type: application/problem+json"
Open = Callable[..., Any]
_numbers = itertools.count(1)


@pytest.fixture(params=["Client", "AsyncClient"])
def opened(request: pytest.FixtureRequest) -> Iterator[Open]:
    """Opens clients of one kind, and closes them."""
    doors: list[Any] = []

    def open_client(url: str, patience: Patience = QUICK) -> Any:
        if request.param == "Client":
            door: Any = Client(url, OPERATOR_KEY, patience=patience)
        else:
            door = Awaited(lambda: AsyncClient(url, OPERATOR_KEY, patience=patience))
        doors.append(door.__enter__())
        return door

    yield open_client
    for door in doors:
        door.__exit__(None, None, None)


@pytest.fixture
def proxy(sandbox: Server) -> Iterator[Faulty]:
    with faulty(sandbox.port) as made:
        yield made


@pytest.fixture
def acme(client: Client) -> str:
    name = f"lossy-{next(_numbers)}"
    client.put_company(name, name="Acme", plan="small", time_zone="UTC")
    return name


def spent(client: Client, company: str) -> int:
    return client.balance(company).allowance.used


def test_a_charge_whose_reply_was_lost_is_repeated_under_its_key_and_counted_once(opened, proxy, client, acme):
    proxy.harms += [lose_the_reply, lose_the_reply]
    charge = opened(proxy.url).charge(acme, "chat_question")
    assert spent(client, acme) == 1
    assert client.get_charge(acme, charge.id) == charge
    first, *others = proxy.keys()
    assert others == [first, first]
    assert first.startswith("auto-")


def test_every_write_whose_reply_was_lost_has_one_effect(opened, proxy, client, acme):
    door = opened(proxy.url)

    def lossy(ask: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        proxy.harms.append(lose_the_reply)
        return ask(acme, *arguments, **more)

    hold = lossy(door.hold, "chat_question")
    lossy(door.capture, hold.id)
    lossy(door.refund, lossy(door.charge, "chat_question").id)
    order = lossy(door.place_order, "boost_20")
    lossy(door.confirm_order, order.id, reference="invoice")
    boost = lossy(door.add_boost, "boost_20")
    lossy(door.revoke_boost, boost.id)
    lossy(door.adjust, 1, reason="test")
    lossy(door.set_cap, "each", scope={"users": "each"}, requests=9, per="day")
    lossy(door.remove_cap, "each")
    lossy(door.change_plan, "large", effective="next_period")
    lossy(door.drop_scheduled_plan)
    assert [entry.kind for entry in client.entries(acme)] == [
        "company_created", "held", "captured", "charged", "refunded", "boost_added", "boost_added", "boost_revoked",
        "adjusted", "cap_set", "cap_removed", "plan_changed", "plan_changed",
    ]  # fmt: skip
    assert len(list(client.orders(acme))) == 1


def test_a_batch_whose_reply_was_lost_is_counted_once(opened, proxy, client, acme):
    proxy.harms.append(lose_the_reply)
    results = opened(proxy.url).batch([ChargeOperation(company=acme, action="chat_question")] * 3)
    assert len({charge.id for charge in results}) == 3
    assert spent(client, acme) == 3


def test_making_a_key_is_not_repeated_once_it_may_have_been_done(opened, proxy, client, acme):
    proxy.harms.append(lose_the_reply)
    with pytest.raises(e.ServerUnreachable, match="may have been carried out"):
        opened(proxy.url).make_key(acme, "app")
    assert len(list(client.keys(acme))) == 1


def test_a_503_is_repeated_after_the_time_that_it_names(opened, proxy, client, acme):
    proxy.harms.append(answer(http("503 Service Unavailable", BUSY, PROBLEM, b"Retry-After: 1")))
    started = time.monotonic()
    opened(proxy.url).charge(acme, "chat_question")
    assert time.monotonic() - started >= 1
    assert spent(client, acme) == 1
    first, second = proxy.keys()
    assert first == second


def test_a_503_that_names_a_time_beyond_the_deadline_is_raised_at_once(opened, proxy, acme):
    proxy.harms.append(answer(http("503 Service Unavailable", BUSY, PROBLEM, b"Retry-After: 3600")))
    started = time.monotonic()
    with pytest.raises(e.Busy) as raised:
        opened(proxy.url).charge(acme, "chat_question", key="mine")
    assert time.monotonic() - started < 50
    assert (raised.value.retry_after_seconds, raised.value.key) == (3600, "mine")
    assert len(proxy.requests) == 1


@pytest.mark.parametrize("status", ["502 Bad Gateway", "504 Gateway Timeout", "503 Service Unavailable"])
def test_what_a_proxy_says_for_a_server_that_it_does_not_reach_is_repeated(opened, proxy, client, acme, status):
    proxy.harms.append(answer(http(status, b"<html>no server</html>")))
    opened(proxy.url).charge(acme, "chat_question")
    assert spent(client, acme) == 1


@pytest.mark.parametrize(
    ("error", "ask"),
    [
        (e.NotFound, lambda door, acme: door.get_hold(acme, "hld_0000000099")),
        (e.UnknownAction, lambda door, acme: door.charge(acme, "no such action")),
        (e.Unauthenticated, lambda door, acme: door.balance(acme)),
        (e.ServerUnreachable, lambda door, acme: door.balance(acme)),
    ],
)
def test_what_another_try_would_not_change_is_asked_once(opened, proxy, acme, error, ask):
    if error is e.Unauthenticated:
        refusal = BUSY.replace(b"503", b"401").replace(b"busy", b"unauthenticated")
        proxy.harms.append(answer(http("401 Unauthorized", refusal, PROBLEM)))
    if error is e.ServerUnreachable:
        proxy.harms.append(answer(http("200 OK", b"<html>another service</html>")))
    with pytest.raises(error):
        ask(opened(proxy.url), acme)
    assert len(proxy.requests) == 1


def test_a_decline_is_never_repeated(opened, proxy, acme):
    door = opened(proxy.url)
    assert door.charge(acme, "site_creation", quantities={"images": 25}).cost == 25
    for _ in range(3):
        door.charge(acme, "site_creation", quantities={"images": 25})
    assert len(proxy.requests) == 4
    assert door.charge(acme, "site_creation", quantities={"images": 25}).reason == "insufficient_requests"
    assert len(proxy.requests) == 5


def test_a_server_that_stays_silent_costs_no_more_than_the_deadline(opened, proxy, client, acme):
    proxy.harms += [stay_silent] * 20
    patience = Patience(deadline_seconds=2, first_pause_seconds=0.01)
    door = opened(proxy.url, patience)
    started = time.monotonic()
    with pytest.raises(e.ServerUnreachable) as raised:
        door.charge(acme, "chat_question")
    assert time.monotonic() - started < 4
    assert len(set(proxy.keys())) == 1
    assert len(proxy.keys()) > 1
    assert raised.value.key == proxy.keys()[0]
    assert client.charge(acme, "chat_question", key=raised.value.key).entry == 2
    assert spent(client, acme) == 1


@pytest.mark.parametrize(
    ("url", "key"), [("localhost:8024", "kv_x"), ("http://[", "kv_x"), ("http://localhost", "ключ")]
)
def test_a_url_or_key_that_cannot_be_is_refused_at_once(url, key):
    for kind in (Client, AsyncClient):
        with pytest.raises(e.Invalid, match="must be"):
            kind(url, key)


@pytest.mark.parametrize("ask", ["charge", "hold", "quote"])
def test_fail_closed_a_meter_that_is_down_approves_nothing(opened, ask):
    """Defect class 15: with nobody at the port there is an exception in time, and no value."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    door = opened(url, Patience(deadline_seconds=1))
    started = time.monotonic()
    with pytest.raises(e.ServerUnreachable):
        getattr(door, ask)("acme", "chat_question")
    assert time.monotonic() - started < 3


def test_fail_closed_a_store_that_is_down_approves_nothing(opened, proxy, acme):
    """Defect class 15: a clear 503 each time is an exception in the end."""
    down = BUSY.replace(b"busy", b"store_unavailable")
    proxy.harms += [answer(http("503 Service Unavailable", down, PROBLEM))] * 20
    with pytest.raises(e.StoreUnavailable):
        opened(proxy.url, Patience(deadline_seconds=1)).charge(acme, "chat_question")


def test_a_server_that_is_killed_and_comes_back_has_carried_each_call_out_once(tmp_path):
    """Both clients charge while their server is killed and another takes its store; each charge is there once."""
    store, folder = f"sqlite:///{tmp_path}/kvota.db", Path(tmp_path)
    patience = Patience(first_pause_seconds=0.05, longest_pause_seconds=0.5, tries=1000)
    users = [f"user-{number}" for number in range(60)]
    charged: dict[str, list[Any]] = {}

    def charge(door: Any, company: str) -> None:
        charged[company] = [door.charge(company, "chat_question", user=user) for user in users]

    with serving(store, folder) as first, faulty(first.port) as proxy:
        door = Client(proxy.url, OPERATOR_KEY, patience=patience)
        with door, Awaited(lambda: AsyncClient(proxy.url, OPERATOR_KEY, patience=patience)) as other:
            doors: list[tuple[Any, str]] = [(door, "acme"), (other, "beta")]
            for _, company in doors:
                door.put_company(company, name="Acme", plan="large", time_zone="UTC")
            charging = [threading.Thread(target=charge, args=one) for one in doors]
            for thread in charging:
                thread.start()
            _wait_until(lambda: len(proxy.requests) > 30)
            first.kill()
            with serving(store, folder) as second:
                proxy.target = second.port
                for thread in charging:
                    thread.join(60)
                entries = {company: list(door.entries(company, kind="charged")) for _, company in doors}
    for company, written in entries.items():
        assert [entry.seq for entry in written] == [charge.entry for charge in charged[company]]
        assert [entry.user for entry in written] == users


def _wait_until(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < until
        threading.Event().wait(0.005)
