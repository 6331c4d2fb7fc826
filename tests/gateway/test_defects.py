"""Classes of defects that meters and gateways have had in public, each forced on the gateway."""

import asyncio
import contextlib
import importlib
import inspect
import json
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator

import aiohttp
import openai
import pytest

from kvota.upstreams import ROUTES
from tests import postgres
from tests.gateway.eventually import eventually
from tests.gateway.raw import CHAT, IMAGE, STREAM, call, form, hang_up, open_call
from tests.gateway.running import Acting, Company, file_of, gateway
from tests.upstreams import service as acting_as
from tests.upstreams.process import ai_process
from tests.verdict import Verdict

CALLERS, ROOM, PROCESSES = 1000, 100, 4


@pytest.fixture(scope="module")
def cluster() -> Iterator[postgres.Cluster]:
    """A PostgreSQL that the test may kill."""
    with postgres.cluster() as running:
        yield running


def sums(company: Company) -> tuple[int, int, int]:
    balance = company.server.call("GET", f"/v1/companies/{company.id}/balance").body
    allowance = balance["allowance"]
    return balance["available"], allowance["held"], allowance["used"]


def test_defect_2_no_hold_leaks_however_a_call_ends(acting, company):
    """A hold leaks on cancel, stream error or crash, and later calls are refused for nothing."""
    endings = {
        "right": (None, 1),
        "refused": (acting_as.failing(400), 0),
        "failing": (acting_as.failing(500), 0),
        "hangs up": (acting_as.hangs_up, 0),
        "only headers": (acting_as.hangs_up_with_only_headers, 0),
        "breaks": (acting_as.breaks_in_the_middle, 1),
    }
    used = 0
    for behaviour, cost in endings.values():
        acting.behaviour = behaviour
        line = open_call(company, body=STREAM)
        reply = line.getresponse()
        with contextlib.suppress(Exception):
            reply.read()
        line.close()
        used += cost
        assert eventually(lambda: sums(company), lambda found: found[1] == 0) == (1_000_000 - used, 0, used)
    acting.behaviour = acting_as.never
    lines = [open_call(company) for _ in range(20)]
    assert eventually(lambda: sums(company), lambda found: found[1] == 20) == (1_000_000 - used - 20, 20, used)
    for line in lines:
        hang_up(line)
    assert eventually(lambda: sums(company), lambda found: found[1] == 0) == (1_000_000 - used, 0, used)
    assert company.open_holds() == []


def test_defect_10_a_true_cost_that_no_longer_fits_is_declined_and_nothing_delivered(acting, server):
    """An estimate is too small, and the true cost passes the limit."""
    company = Company(server, plan="five")
    body, media = form({"model": "whisper-test", "file": b"RIFF"})
    told = {"key": company.app, "X_Kvota_Subject": "call:1", **media}
    first = call(company, "/audio/transcriptions", body, **told).headers["x-kvota-charge"]

    async def pays_the_stage_away(request, fields):
        """While the service works, the shared stage is given back, and everything else is spent."""

        def spend() -> None:
            refunded = server.call("POST", f"/v1/companies/{company.id}/charges/{first}/refund", {})
            assert refunded.status == 201
            usage = {"action": "long_question"}
            spent = [server.call("POST", f"/v1/companies/{company.id}/charges", usage).status for _ in range(2)]
            assert spent == [201, 402]
            for _ in range(2):
                assert server.call("POST", f"/v1/companies/{company.id}/charges", {"action": "question"}).status == 201

        await asyncio.get_running_loop().run_in_executor(None, spend)
        return await acting_as.transcriptions(request, fields)

    acting.behaviour = pays_the_stage_away
    answer = call(company, "/audio/transcriptions", body, **told)
    assert (answer.status, answer.code, answer.error["cost"]) == (402, "insufficient_requests", 1)
    assert b"Good day" not in answer.content
    assert sums(company) == (0, 0, 5)
    assert company.entries()[-1]["kind"] == "voided"


BODIES = {
    "/chat/completions": json.dumps(CHAT).encode(),
    "/responses": b'{"model": "gpt-test", "input": "Hello"}',
    "/embeddings": b'{"model": "embed-test", "input": "Hello"}',
    "/images/generations": json.dumps(IMAGE).encode(),
    "/audio/transcriptions": form({"model": "whisper-test", "file": b"RIFF"})[0],
}


def paths_of_the_sdk() -> set[str]:
    """Every path that the official client knows, as it stands in its source."""
    found: set[str] = set()
    for module in pkgutil.walk_packages(openai.resources.__path__, "openai.resources."):
        source = inspect.getsource(importlib.import_module(module.name))
        found |= set(re.findall(r'"(/[a-z_]+(?:/[a-z_{}]+)*)"', source))
    return {re.sub(r"\{[a-z_]+\}", "x1", path) for path in found}


def test_defect_13_every_route_that_reaches_a_service_is_in_the_ledger(acting, company):
    """Some route is not metered. Each one is walked: those of the gateway, and all others that a client knows."""
    assert set(BODIES) == set(ROUTES.values())
    for number, (path, body) in enumerate(BODIES.items(), 1):
        media = form({"model": "x", "file": b"x"})[1] if path.startswith("/audio") else {}
        assert call(company, path, body, **media).status == 200
        assert len(acting.seen) == number
        assert len(company.entries("captured")) == number
    known = paths_of_the_sdk()
    assert len(known) > 40
    assert set(BODIES) <= known
    for path in sorted({*known, *(f"{path}/" for path in BODIES), *(path.upper() for path in BODIES)} - set(BODIES)):
        for method in ("GET", "POST"):
            answer = call(company, path, BODIES["/chat/completions"], method=method)
            assert answer.status in (404, 405) or (method, path) == ("GET", "/models"), (method, path)
    assert len(acting.seen) == len(BODIES)
    assert len(company.entries("captured")) == len(BODIES)


def test_defect_15_without_the_meter_nothing_passes(cluster, tmp_path):
    """Fail open: the meter is down, so everything is allowed."""
    with (
        postgres.database(cluster.url) as store,
        Acting() as service,
        gateway(store, tmp_path, file_of(tmp_path, service.url)) as server,
    ):
        company = Company(server)
        cluster.kill()
        try:
            for path, body in BODIES.items():
                media = form({"model": "x", "file": b"x"})[1] if path.startswith("/audio") else {}
                answer = call(company, path, body, **media)
                assert (answer.status, answer.code) == (503, "store_unavailable")
                assert int(answer.headers["retry-after"]) > 0
            assert service.seen == []
        finally:
            cluster.start()
        assert eventually(lambda: call(company).status, lambda status: status == 200)
        assert company.becomes("held", "captured", "measured")


def test_defect_15_what_cannot_be_charged_is_not_delivered(cluster, tmp_path):
    """The meter goes down while the service works: the answer is there, and stays undelivered."""
    with (
        postgres.database(cluster.url) as store,
        ai_process(tmp_path) as ai,
        gateway(store, tmp_path, file_of(tmp_path, ai.url)) as server,
    ):
        company = Company(server)
        ai.behave("waits_to_begin")
        line = open_call(company)
        eventually(company.kinds, bool)
        cluster.kill()
        try:
            ai.go()
            reply = line.getresponse()
            content = reply.read()
            assert (reply.status, json.loads(content)["error"]["code"]) == (503, "store_unavailable")
            assert b"Hello" not in content
            line.close()
        finally:
            cluster.start()
        assert company.becomes("held", "voided")
        assert company.available == 1_000_000


async def thousand_calls(company: Company, ports: list[int]) -> Counter[int]:
    """All at once, over as many connections, spread over the servers."""
    headers = {"Authorization": f"Bearer {company.member}", "Content-Type": "application/json"}
    begin = asyncio.Event()

    async def one(session: aiohttp.ClientSession, number: int) -> int:
        await begin.wait()
        url = f"http://127.0.0.1:{ports[number % len(ports)]}/openai/v1/chat/completions"
        async with session.post(url, data=json.dumps(CHAT), headers=headers) as reply:
            content = await reply.read()
            assert (b"Hello, world!" in content) == (reply.status == 200)
            return reply.status

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        calls = [asyncio.ensure_future(one(session, number)) for number in range(CALLERS)]
        await asyncio.sleep(0)
        begin.set()
        return Counter(await asyncio.gather(*calls))


def races(store, folder, runs):
    """Room for 100, 1,000 at once on four processes, again and again with another company."""
    delivered, problems = 0, list[str]()
    with contextlib.ExitStack() as stack:
        service = stack.enter_context(Acting())
        upstreams = file_of(folder, service.url)
        servers = [stack.enter_context(gateway(store, folder, upstreams)) for _ in range(PROCESSES)]
        for run in range(runs):
            company = Company(servers[0], plan="hundred")
            service.seen.clear()
            statuses = asyncio.run(thousand_calls(company, [server.port for server in servers]))
            delivered += statuses[200]
            captured = len(company.entries("captured"))
            if statuses != {200: ROOM, 402: CALLERS - ROOM} or captured != ROOM or len(service.seen) != ROOM:
                problems.append(f"run {run}: {dict(statuses)}, {captured} charged, {len(service.seen)} asked")
            if company.available or company.open_holds():
                problems.append(f"run {run}: {company.available} left, {len(company.open_holds())} open")
    return Verdict(
        fault=f"{CALLERS:,} AI calls at once on {PROCESSES} servers, room for {ROOM}",
        store="postgresql",
        runs=runs,
        acknowledged=delivered,
        double=max(0, delivered - ROOM * runs),
        lost=max(0, ROOM * runs - delivered),
        problems=tuple(problems),
    )


def test_defect_1_a_thousand_calls_at_once_on_four_servers_share_room_for_a_hundred(postgres_url, tmp_path, report):
    """Check, then act."""
    report(races(postgres_url, tmp_path, 1))


@pytest.mark.soak
def test_defect_1_exactly_a_hundred_of_a_thousand_in_each_of_twenty_runs(postgres_url, tmp_path, report):
    report(races(postgres_url, tmp_path, 20))
