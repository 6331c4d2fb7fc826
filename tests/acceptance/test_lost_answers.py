"""Defect class 5: the reply is lost on the way, or the COMMIT's own answer is."""

from kvota.core import commands as c
from kvota.core.account import Usage
from kvota.settings import Settings
from kvota.store import EntryFilter
from kvota.wiring import open_meter
from tests.acceptance.proxy import proxied
from tests.acceptance.servers import CATALOGUE, kvota, serving


def test_a_commit_whose_answer_was_lost_is_found_and_not_written_again(postgres_url):
    with proxied(postgres_url) as (proxy, url):
        meter = open_meter(Settings(store=url, catalogue=str(CATALOGUE)))
        try:
            meter.engine.execute(c.PutCompany(company="acme", name="Acme", plan="small", time_zone="UTC"))
            for number in range(5):
                proxy.arm()
                usage = Usage(action="chat_question", user=f"user-{number}")
                reply = meter.engine.execute(c.ChargeUsage(company="acme", usage=usage)).reply
                assert reply.available == 99 - number
            assert proxy.lost == 5
            assert meter.reads.balance("acme").allowance.used == 5
            entries = meter.reads.entries("acme", EntryFilter(), 0, 100)
            assert [written.entry.kind for written in entries] == ["company_created", *["charged"] * 5]
        finally:
            meter.close()
    assert kvota("verify", store=postgres_url).returncode == 0


def test_a_reply_that_the_client_never_read_is_given_again_under_the_same_key(store_url, tmp_path):
    with serving(store_url, tmp_path) as server:
        server.call("PUT", "/v1/companies/acme", {"name": "Acme", "plan": "small", "time_zone": "UTC"})
        paths = {
            "charges": {"action": "chat_question"},
            "holds": {"action": "site_creation"},
            "boosts": {"boost": "boost_20"},
            "orders": {"boost": "boost_20"},
            "plan-changes": {"plan": "large"},
            "adjustments": {"amount": 3, "reason": "test"},
        }
        for name, body in paths.items():
            first = server.call("POST", f"/v1/companies/acme/{name}", body, key=f"key-{name}")
            again = server.call("POST", f"/v1/companies/acme/{name}", body, key=f"key-{name}")
            assert first.status == again.status == 201, first
            assert first.body == again.body
            assert "Idempotency-Replayed" not in first.headers
            headers = {header.title(): value for header, value in again.headers.items()}
            assert headers["Idempotency-Replayed"] == "true"
        entries = server.call("GET", "/v1/companies/acme/entries").body["items"]
        kinds = [entry["kind"] for entry in entries]
        assert kinds == ["company_created", "charged", "held", "boost_added", "plan_changed", "adjusted"]
