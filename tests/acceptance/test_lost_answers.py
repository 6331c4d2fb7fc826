"""Defect class 5: the answer of a COMMIT is lost on the way."""

from kvota.core import commands as c
from kvota.core.account import Usage
from kvota.settings import Settings
from kvota.store import EntryFilter
from kvota.wiring import open_meter
from tests.acceptance.proxy import proxied
from tests.acceptance.servers import CATALOGUE, kvota


def test_defect_5_a_commit_whose_answer_was_lost_is_found_and_not_written_again(postgres_url):
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
