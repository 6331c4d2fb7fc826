"""The operator's list: every company, those nearest to running out first, each judged as of now."""

from collections.abc import Iterator

import pytest

from kvota.core import commands as c
from kvota.core.account import Usage
from kvota.core.periods import DAY
from kvota.insight.risk import risk_of, riskiest
from kvota.settings import Settings
from kvota.wiring import Meter, open_meter
from tests.core.ledger import CASES, COMPANY, Ledger, book, boosts_first
from tests.core.words import ms

TEN = ms("2026-04-11T00:00")


def used(ledger: Ledger, requests: int, at: int) -> None:
    for _ in range(requests):
        ledger.do(c.ChargeUsage(company=COMPANY, usage=Usage(action="chat_question")), at)


def company(requests: int, *, text: str = CASES, plan: str = "small") -> Ledger:
    ledger = Ledger(book(text.replace("hourly_limit = 600\n", "")), plan=plan, at=ms("2026-04-01T00:00"))
    used(ledger, requests, ms("2026-04-02T00:00"))
    return ledger


def judged(ledger: Ledger, at: int = TEN):
    return risk_of(ledger.state, ledger.book.at(at), at)


@pytest.mark.parametrize(
    ("requests", "level", "share"),
    [(0, "unlikely", 0), (10, "unlikely", 20 / 90), (31, "possible", 62 / 69), (40, "likely", 80 / 60),
     (100, "used_up", 0)],
)  # fmt: skip
def test_a_package_is_judged_by_what_was_used_against_the_days_that_have_passed(requests, level, share):
    found = judged(company(requests))
    assert (found.level, found.used, found.available) == (level, requests, 100 - requests)
    assert found.share == pytest.approx(share)


def test_it_tells_when_nothing_will_be_left():
    found = judged(company(40))
    assert found.dry_at == TEN + 15 * DAY  # 60 left, 4 a day
    assert judged(company(10)).dry_at is None


def test_boosts_that_pay_are_judged_by_what_was_used_of_them():
    ledger = company(100, text=boosts_first(CASES))
    start = ms("2026-04-06T00:00")
    ledger.do(c.AddBoost(company=COMPANY, amount=100, expires_at=ms("2026-06-01T00:00")), start)
    used(ledger, 40, start)
    found = judged(ledger)
    assert (found.available, found.boosts_left, found.is_package_suspended) == (60, 60, True)
    # 100 of the package and 40 of the boost in ten days, twenty more to come
    assert (found.level, found.share) == ("likely", pytest.approx(14 * 20 / 60))


def test_a_new_period_begins_with_nothing_used():
    ledger = company(100)
    later = ms("2026-05-03T00:00")
    ledger.do(c.PutCompany(company=COMPANY, name="Renamed"), later)
    assert (judged(ledger, later).level, judged(ledger, later).available) == ("unlikely", 100)


@pytest.fixture
def meter(store_url: str, tmp_path) -> Iterator[Meter]:
    catalogue = tmp_path / "cases.toml"
    catalogue.write_text(CASES.replace("hourly_limit = 600\n", ""))
    meter = open_meter(Settings(store=store_url, catalogue=str(catalogue), is_sandbox=True))
    meter.reads.set_clock(ms("2026-04-02T00:00"))
    yield meter
    meter.close()


def living(meter: Meter, name: str, requests: int, title: str) -> None:
    command = c.PutCompany(company=name, name=title, plan="small", time_zone="UTC")
    meter.engine.execute(command)
    calls = [c.ChargeUsage(company=name, usage=Usage(action="chat_question")) for _ in range(requests)]
    for waiting in [meter.engine.submit(call) for call in calls]:
        waiting.result()


def test_all_companies_are_found_sorted_and_paged_in_both_stores(meter: Meter):
    for name, requests, title in (("a", 5, "Ромашка"), ("b", 100, "Acme"), ("c", 40, "Ромашка Юг"), ("d", 0, "Beta")):
        living(meter, name, requests, title)
    reads = meter.reads
    reads.set_clock(TEN)
    assert [one.company for one in riskiest(reads).rows] == ["b", "c", "a", "d"]
    assert [one.company for one in riskiest(reads, skip=1, limit=2).rows] == ["c", "a"]
    found = riskiest(reads, search="РОМАШКА")
    assert ([one.company for one in found.rows], found.found) == (["c", "a"], 2)
    assert [one.company for one in riskiest(reads, search="ромашка юг").rows] == ["c"]
    assert riskiest(reads, search="nobody").found == 0


def test_what_has_fallen_due_is_reckoned_in_and_nothing_is_written(meter: Meter):
    living(meter, "a", 100, "Acme")
    reads = meter.reads
    reads.set_clock(ms("2026-05-03T00:00"))
    found = riskiest(reads).rows[0]
    assert (found.level, found.used, found.available) == ("unlikely", 0, reads.balance("a").available)
    assert reads.companies("", 1)[0].used == 100


def test_each_row_has_what_its_companys_balance_says(meter: Meter):
    for number, requests in enumerate((0, 3, 50, 100)):
        living(meter, f"c{number}", requests, "Acme")
    meter.engine.execute(c.AddBoost(company="c3", amount=7, expires_at=ms("2026-04-20T00:00")))
    for now in (TEN, ms("2026-04-25T00:00"), ms("2026-07-01T00:00")):
        meter.reads.set_clock(now)
        for row in riskiest(meter.reads).rows:
            balance = meter.reads.balance(row.company)
            assert (row.available, row.used, row.granted) == (
                balance.available, balance.allowance.used, balance.allowance.granted,
            )  # fmt: skip
