"""HTTP itself: limits while a body comes, content types, methods, HEAD, pages, and what nobody needs a key for."""

import asyncio

import httpx2
import pytest

from kvota.api import build_app
from kvota.engine import Engine
from kvota.reads import Reads
from kvota.stores import open_store
from tests.api.harness import Api

CHARGES = "/v1/companies/acme/charges"
CHAT = {"action": "chat_question"}


async def chunks(count, size):
    for _ in range(count):
        yield b" " * size
    yield b'{"action": "chat_question"}'


def test_a_body_of_one_mebibyte_is_read_and_one_byte_more_is_not(api):
    usage = b'{"action": "chat_question"}'
    assert api.post(CHARGES, raw=usage.rjust(1_048_576)).status == 201
    assert api.post(CHARGES, raw=usage.rjust(1_048_577)).status == 413


def test_the_limit_holds_for_a_body_that_does_not_tell_its_length(api):
    assert api.post(CHARGES, raw=chunks(4, 1000)).status == 201
    assert api.post(CHARGES, raw=chunks(1100, 1000)).code == "body_too_large"


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/x-www-form-urlencoded", None])
def test_a_body_is_read_as_json_whatever_it_is_called(api, kind):
    """What curl -d sends says that it is a form."""
    headers = {} if kind is None else {"Content-Type": kind}
    assert api.post(CHARGES, CHAT, headers=headers).status == 201


def test_a_method_that_does_not_fit_is_told_which_do(api):
    for method, path, allow in (
        ("DELETE", "/v1/companies/acme", "GET, HEAD, PATCH, PUT"),
        ("GET", "/v1/batch", "POST"),
        ("OPTIONS", "/v1/catalogue", "GET, HEAD"),
        ("POST", "/healthz", "GET, HEAD"),
    ):
        reply = api.call(method, path)
        assert (reply.status, reply.headers["allow"]) == (405, allow)


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v2/catalogue", "/v1/companies/", "/v1/companies//balance", "/v1/catalogue/"]
)
def test_a_path_that_is_none_is_not_found(api, path):
    assert api.get(path).code == "not_found"


def test_head_is_get_without_the_body(api):
    for path in ("/v1/companies/acme", "/healthz", "/v1/companies/nobody"):
        got, head = api.get(path), api.call("HEAD", path)
        assert (head.status, head.content) == (got.status, b"")
        assert head.headers["content-length"] == str(len(got.content))


def test_pages_join_without_gap_or_overlap(api):
    for name in ("c1", "c2", "c3", "c4"):
        api.make_company(name)
    seen, after = [], ""
    while after is not None:
        page = api.get(f"/v1/companies?limit=2&after={after}").json
        seen += [item["id"] for item in page["items"]]
        after = page["next"]
    assert seen == ["acme", "c1", "c2", "c3", "c4"]
    page = api.get("/v1/companies?limit=5").json
    assert (len(page["items"]), page["next"]) == (5, None)


def test_the_ledger_is_read_in_pages_and_by_filter(api):
    for user in ("ivan", "olga", "ivan"):
        api.charge(user=user)
    api.at("2026-02-11T00:00:00Z")
    api.charge(user="ivan", action="call", subject="call:1", measures={"tokens": 7})
    entries = "/v1/companies/acme/entries"
    page = api.get(f"{entries}?user=ivan&limit=2").json
    assert [item["seq"] for item in page["items"]] == [2, 4]
    rest = api.get(f"{entries}?user=ivan&limit=2&after={page['next']}").json
    (last,) = rest["items"]
    assert (last["kind"], last["cost"], last["subject"], last["measures"]) == ("charged", 2, "call:1", {"tokens": 7})
    assert last["paid_by"] == {"allowance": 2, "boosts": []}
    assert last["balance"] == {
        "available": 5, "allowance": {"used": 5, "held": 0}, "boosts": {"remaining": 0, "held": 0},
    }  # fmt: skip
    assert len(last["hash"]) == 64
    assert [i["seq"] for i in api.get(f"{entries}?from=2026-02-11").json["items"]] == [5]
    assert [i["seq"] for i in api.get(f"{entries}?to=2026-02-10T12:00:00Z").json["items"]] == []
    assert [i["kind"] for i in api.get(f"{entries}?kind=company_created").json["items"]] == ["company_created"]


def test_usage_is_grouped_as_asked_with_its_keys_in_that_order(api):
    api.charge(user="ivan", department="Sales")
    api.charge()
    usage = "/v1/companies/acme/usage?from=2026-02-10&to=2026-02-11"
    assert [row["day"] for row in api.get(usage).json["rows"]] == ["2026-02-10"]
    rows = api.get(f"{usage}&by=user,department,hour,tool,action,day").json["rows"]
    assert [(row["user"], row["department"]) for row in rows] == [(None, None), ("ivan", "Sales")]
    assert rows[0]["hour"] == "2026-02-10T12:00:00.000Z"
    assert (rows[0]["tool"], rows[0]["action"], rows[0]["day"]) == ("chat", "chat_question", "2026-02-10")


def test_anybody_sees_that_it_runs(api):
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"):
        assert api.get(path, as_="nobody").status == 200


def test_metrics_count_without_naming_a_company(api):
    api.post(CHARGES, {"action": "call"})
    api.post(CHARGES, {"action": "site", "quantities": {"images": 20}})
    text = api.get("/metrics").content.decode()
    for line in (
        'kvota_http_requests_total{operation="charge",status="201"} 1.0',
        'kvota_charges_total{tool="crm"} 1.0',
        'kvota_ai_requests_total{tool="crm"} 2.0',
        'kvota_declines_total{reason="insufficient_requests"} 1.0',
        "kvota_queue_depth 0.0",
    ):
        assert line in text.splitlines()
    assert "acme" not in text


def test_outside_of_a_sandbox_there_is_no_clock_to_set():
    api = Api(is_sandbox=False)
    try:
        assert api.get("/v1/sandbox/clock").code == "not_found"
        assert api.put("/v1/sandbox/clock", {"now": "2026-02-10T12:00:00Z"}).code == "not_found"
    finally:
        api.close()


def test_a_store_that_does_not_answer_is_unavailable():
    store = open_store("postgresql://nobody@127.0.0.1:1/nothing")
    engine = Engine(store)
    app = build_app(engine, Reads(store, engine), logs_requests=False)

    async def ask(path):
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://kvota.test") as client:
            return await client.get(path, headers={"Authorization": "Bearer kv_x"})

    try:
        replies = [asyncio.run(ask(path)) for path in ("/readyz", "/v1/catalogue", "/healthz")]
    finally:
        engine.close()
        store.close()
    assert [reply.status_code for reply in replies] == [503, 503, 200]
    for reply in replies[:2]:
        assert (reply.json()["code"], reply.headers["retry-after"]) == ("store_unavailable", "1")


def test_replies_are_not_kept_by_caches(api):
    assert api.get("/v1/companies/acme/balance").headers["cache-control"] == "no-store"


def test_every_reply_tells_browsers_to_keep_run_and_frame_nothing_of_it(api):
    replies = [api.get("/v1/companies/acme"), api.get("/v1/companies/nobody"), api.get("/v1/companies", as_="nobody")]
    for reply in [*replies, api.get("/docs"), api.get("/openapi.json"), api.get("/metrics"), api.get("/healthz")]:
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["x-content-type-options"] == "nosniff"
    for reply in [*replies, api.get("/docs")]:
        assert "default-src 'none'" in reply.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
