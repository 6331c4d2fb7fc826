"""Advice: each amount equals what can be counted in the ledger by hand."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import product
from random import Random

import pytest

from kvota.core import commands as c
from kvota.core.account import Usage
from kvota.errors import CallerError
from kvota.insight import newest
from kvota.insight.adviser import advise
from kvota.insight.calls import stretch
from kvota.insight.savings import savings
from kvota.store import EntryFilter
from kvota.stores import open_store
from tests.core.chance import Dice
from tests.core.ledger import COMPANY, DAY, HOUR, MINUTE, SMALL, Ledger, book, boosts_first
from tests.core.words import ms
from tests.engine.meter import Meter

ROOMY = SMALL.replace("hourly_limit = 5", "hourly_limit = 1000")
NOW = ms("2026-03-10T09:00")


@contextmanager
def company(text=ROOMY, **settings) -> Iterator[Meter]:
    meter = Meter(open_store("sqlite:///:memory:"), text)
    meter.clock.now = NOW
    given = {"name": "Acme", "plan": "mini", "time_zone": "UTC", "allowance_override": 1000, **settings}
    meter.engine.execute(c.PutCompany(company=COMPANY, **given))
    yield meter
    meter.close()


def charge(meter, action, times=1, user="ann", subject=None, **quantities):
    usage = Usage(action=action, user=user, subject=subject, quantities=quantities)
    for _ in range(times):
        meter.clock.now += MINUTE
        meter.engine.execute(c.ChargeUsage(company=COMPANY, usage=usage))


def said(meter, kind):
    return [one for one in advise(meter.reads, COMPANY).advice if one.kind == kind]


def test_two_actions_without_a_common_subject_have_paid_their_shared_stage_twice():
    with company() as meter:
        charge(meter, "processing", 3)
        charge(meter, "analytics", 2)
        charge(meter, "analytics", 1, user="bob")
        charge(meter, "analytics", 1, subject="call:1")
        (one,) = said(meter, "share_subject")
        assert (one.action, one.with_action, one.stage) == ("analytics", "processing", "transcription")
        assert (one.calls, one.requests, len(one.entries)) == (2, 4, 2)
        assert one.worth.amount == 4 * 200 // 4
        meter.clock.now += 2 * DAY
        charge(meter, "analytics", 1)
        assert said(meter, "share_subject")[0].calls == 2


def test_one_participant_more_and_a_follow_up_would_have_been_free():
    with company() as meter:
        for participants in (1, 2, 3, 3, 4):
            charge(meter, "meeting", participants=participants)
        (one,) = said(meter, "nearly_free")
        assert (one.action, one.quantity, one.value, one.threshold) == ("meeting", "participants", 3, 4)
        assert (one.calls, one.requests) == (2, 6)


def test_a_site_made_again_costs_more_than_its_block_and_a_repeat_costs_all_of_it():
    with company() as meter:
        charge(meter, "site", 3, subject="site:1", images=3)
        charge(meter, "site", 1, subject="site:2", images=3)
        charge(meter, "meeting", 2, subject="meeting:1", participants=2)
        charge(meter, "chat", 5, subject="task:1")
        (anew,) = said(meter, "made_anew")
        assert (anew.action, anew.with_action, anew.calls, anew.requests) == ("site", "block", 2, 2)
        (again,) = said(meter, "repeated")
        assert (again.action, again.calls, again.requests) == ("meeting", 1, 3)


def test_what_was_refunded_is_no_waste():
    with company() as meter:
        charge(meter, "meeting", participants=3)
        meter.engine.execute(c.RefundCharge(company=COMPANY, charge="chg_0000000002"))
        assert not said(meter, "nearly_free")


def test_a_hold_that_expired_counts_whether_its_end_is_written_or_not():
    with company() as meter:
        meter.engine.execute(
            c.HoldUsage(company=COMPANY, usage=Usage(action="site"), ttl=60),
        )
        meter.clock.now += HOUR
        (one,) = said(meter, "expired_holds")
        charge(meter, "chat")
        assert said(meter, "expired_holds") == [one]
        assert (one.action, one.calls, one.requests) == ("site", 1, 5)


def test_a_boost_that_came_early_has_suspended_what_was_left_of_the_package():
    with company(boosts_first(ROOMY)) as meter:
        charge(meter, "chat", 10)
        boost = c.AddBoost(company=COMPANY, boost="some")
        meter.engine.execute(boost)
        meter.engine.execute(boost)
        (one,) = said(meter, "bought_early")
        assert (one.requests, one.calls) == (990, 1)
    with company() as meter:
        meter.engine.execute(boost)
        assert not said(meter, "bought_early")


def test_with_boosts_first_a_boost_is_bought_when_the_package_is_used_up():
    with company(boosts_first(ROOMY), allowance_override=60) as meter:
        for _ in range(5):
            charge(meter, "chat", 6)
            meter.clock.now += DAY
        (one,) = said(meter, "buy_later")
        assert (one.requests, one.on[:7]) == (30, "2026-03")


@pytest.mark.parametrize(("usual", "last", "is_told"), [(5, 25, True), (5, 14, False), (0, 30, False), (20, 35, False)])
def test_users_and_tools_are_compared_with_their_own_weeks(usual, last, is_told):
    with company() as meter:
        for _ in range(4):
            charge(meter, "chat", usual)
            meter.clock.now += 7 * DAY - usual * MINUTE
        charge(meter, "chat", last)
        meter.clock.now += 7 * DAY
        found = said(meter, "above_habit")
        assert [(one.tool, one.user) for one in found] == ([("chat", None), (None, "ann")] if is_told else [])
        assert all((one.usual, one.requests) == (usual, last - usual) for one in found)


def test_a_busy_company_is_advised_on_its_newest_entries(monkeypatch):
    monkeypatch.setattr(newest, "MAX_ENTRIES", 5)
    with company() as meter:
        charge(meter, "meeting", 9, participants=3)
        report = advise(meter.reads, COMPANY)
        assert (report.entries, report.is_whole, report.start) == (5, False, NOW + 5 * MINUTE)
        assert [one.calls for one in report.advice if one.kind == "nearly_free"] == [5]


def some_commands(dice):
    """A call, a hold that is closed or left alone, now and then a boost or a refund."""
    random = dice.random
    yield c.ChargeUsage(company=COMPANY, usage=dice.usage())
    yield c.HoldUsage(company=COMPANY, usage=dice.usage(), ttl=random.choice([1, 40_000]))
    yield c.CaptureHold(company=COMPANY, hold=f"hld_{random.randrange(1, 200):010d}")
    yield c.RefundCharge(company=COMPANY, charge=f"chg_{random.randrange(1, 200):010d}")
    if random.random() < 0.1:
        yield c.AddBoost(company=COMPANY, boost="some")


def check_newest(look, at_most):
    """The entries that are looked at make the same advice as all of that time; which they make."""
    start = look.now - 30 * DAY
    stored = look.view.entries(COMPANY, EntryFilter(start=start), 0, 100_000)[-at_most:]
    entries = [one.entry for one in (*stored, *look.state.changes.entries) if one.entry.at >= start]
    found = newest.newest(look, start)
    told, told_by_all = (savings(stretch(some), look.book, look.book.at(look.now)) for some in (found.entries, entries))
    assert told == told_by_all
    assert found.length == len(entries)
    return {one.kind for one in told}


def test_what_is_not_read_would_say_nothing(monkeypatch):
    kinds = set()
    for seed, (text, at_most) in enumerate(product([ROOMY, boosts_first(ROOMY)], [20_000, 60, 25])):
        monkeypatch.setattr(newest, "MAX_ENTRIES", at_most)
        dice = Dice(Random(seed))  # noqa: S311 - the same histories every time
        with company(text, plan="maxi", allowance_override=100_000) as meter:
            for _ in range(120):
                meter.clock.now += dice.random.choice([0, MINUTE, HOUR, 3 * HOUR, DAY])
                for command in some_commands(dice):
                    with suppress(CallerError):
                        meter.engine.execute(command)
                with meter.reads.look(COMPANY) as look:
                    kinds |= check_newest(look, at_most)
    assert kinds == {"share_subject", "nearly_free", "made_anew", "repeated", "expired_holds", "bought_early"}


AMOUNTS = ("nearly_free", "expired_holds", "repeated", "made_anew", "share_subject")


def paid_twice(standing):
    """Transcriptions cost 2, speakers are analytics' alone: each pair of the two actions, the oldest first."""
    matched, amount = set(), 0
    calls = [
        one
        for one in standing
        if one.fact.action in ("processing", "analytics") and one.fact.subject is None and one.fact.cost
        and (one.fact.stages is None or "transcription" in one.fact.stages)
    ]  # fmt: skip
    for n, later in enumerate(calls):
        for earlier in calls[:n]:
            pair = {earlier.fact.action, later.fact.action}
            is_one_user = earlier.fact.user == later.fact.user and later.at - earlier.at <= DAY
            if len(pair) == 2 and is_one_user and not {earlier.seq, later.seq} & matched:
                matched |= {earlier.seq, later.seq}
                amount += 2
    return amount


def is_nearly_free(action, quantities):
    if action == "meeting":
        return quantities["participants"] == 3
    if action == "report":
        pages, people = quantities["pages"], quantities["people"]
        return (pages == 1 and people in (2, 3)) or (pages == 0 and people in (1, 4))
    return False


def counted(entries):
    """The same amounts, counted by hand in what the ledger says."""
    standing = {one.seq: one for one in entries if one.kind in ("charged", "captured")}
    for one in entries:
        if one.kind == "refunded":
            standing.pop(int(one.fact.charge.removeprefix("chg_")), None)
    sums = dict.fromkeys(AMOUNTS, 0)
    sums["share_subject"] = paid_twice(list(standing.values()))
    sums["expired_holds"] = sum(one.fact.held for one in entries if one.kind == "hold_expired")
    seen = set()
    for one in standing.values():
        call = one.fact
        if is_nearly_free(call.action, call.quantities):
            sums["nearly_free"] += call.cost
        if call.subject and call.action not in ("chat", "report"):
            is_update = call.action == "site" and max(1, call.quantities["images"]) < call.cost
            way = (call.action, call.subject, call.stages, tuple(sorted(call.quantities.items())))
            if is_update and any(other[:2] == way[:2] for other in seen):
                sums["made_anew"] += call.cost - max(1, call.quantities["images"])
            elif way in seen:
                sums["repeated"] += call.cost
            seen.add(way)
    return sums


def test_each_amount_is_what_the_ledger_adds_up_to():
    some = dict.fromkeys(AMOUNTS, 0)
    for seed in range(30):
        ledger = Ledger(book(ROOMY), plan="maxi", allowance_override=500, at=NOW)
        dice = Dice(Random(seed))  # noqa: S311 - the same histories every time
        dice.calm = 0.97 if seed % 2 else dice.calm
        for command, at in dice.history(ledger, NOW, 120):
            try:
                ledger.do(command, at)
            except Exception:  # noqa: BLE001, S112 - a wrong command leaves no trace
                continue
        entries = [written.entry for written in ledger.entries]
        found = savings(stretch(entries), ledger.book, ledger.book.at(NOW))
        for kind, amount in counted(entries).items():
            assert sum(one.requests for one in found if one.kind == kind) == amount, (seed, kind)
        for one in found:
            some[one.kind] = some.get(one.kind, 0) + one.requests
    assert all(some.values()), some
