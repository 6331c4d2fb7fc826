"""Defects that other meters have had, as classes: each forced here, at the level of one company's ledger."""

import pytest

from kvota.core import commands as c
from kvota.core.account import Charge, Hold
from kvota.core.decisions.calls import PlanChange, Quote
from kvota.core.declines import Declined
from kvota.errors import HoldClosed
from tests.core.ledger import COMPANY, DAY, HOUR, MINUTE, SMALL, Ledger
from tests.core.words import (
    boost,
    capture,
    change_plan,
    charge,
    company,
    declined,
    hold,
    ms,
    put,
    refund,
    usage,
    void,
)  # fmt: skip

NOW = ms("2026-03-10T09:00")


def total(ledger: Ledger, at: int) -> int:
    shown = ledger.balance(at)
    return shown.available + shown.allowance.held + shown.boosts_held + shown.allowance.used


def test_defect_2_a_hold_never_leaks_held_available_and_used_add_up_until_it_ends_once():
    acme = company(NOW)
    opened = hold(acme, NOW, "crm_call_processing", ttl=60)
    assert [total(acme, at) for at in (NOW, NOW + MINUTE - 1, NOW + MINUTE, NOW + DAY)] == [10, 10, 10, 10]
    assert acme.balance(NOW + MINUTE).allowance.held == 0
    for again in (c.CaptureHold(company=COMPANY, hold=opened.id), c.VoidHold(company=COMPANY, hold=opened.id)):
        with pytest.raises(HoldClosed, match=r"expired at 2026-03-10T09:01:00\.000Z"):
            acme.do(again, NOW + MINUTE)


@pytest.mark.parametrize(("after", "is_captured"), [(MINUTE - 1, True), (MINUTE, False)])
def test_defect_3_a_capture_races_the_expiry_and_one_instant_decides(after: int, is_captured: bool):  # noqa: FBT001
    acme = company(NOW)
    opened = hold(acme, NOW, "crm_call_processing", ttl=60)
    if is_captured:
        assert capture(acme, NOW + after, opened.id).cost == 3
        assert acme.balance(NOW + DAY).allowance.used == 3
    else:
        with pytest.raises(HoldClosed):
            capture(acme, NOW + after, opened.id)
        assert acme.balance(NOW + DAY).allowance.used == 0


def test_defect_4_of_two_captures_one_wins_and_the_same_one_gets_its_reply_again():
    acme = company(NOW, "small")
    opened = hold(acme, NOW, "site_creation")
    first = capture(acme, NOW, opened.id, images=4)
    entries = len(acme.entries)
    assert capture(acme, NOW + DAY, opened.id, images=4) == first
    for loser in (
        c.CaptureHold(company=COMPANY, hold=opened.id, quantities={"images": 5}),
        c.VoidHold(company=COMPANY, hold=opened.id),
    ):
        with pytest.raises(HoldClosed, match="captured at"):
            acme.do(loser, NOW)
    assert len(acme.entries) == entries


def test_defect_6_every_entry_carries_the_balance_that_the_counters_have_after_it():
    acme = company(NOW)
    boost(acme, NOW, 5, NOW + DAY)
    refund(acme, NOW, charge(acme, NOW, "crm_call_complete", subject="s").id)
    capture(acme, NOW, hold(acme, NOW, "site_creation", images=8).id, images=3)
    void(acme, NOW, hold(acme, NOW, "crm_call_processing").id)
    shown, last = acme.balance(NOW), acme.entries[-1].entry.balance
    assert (last.available, last.used, last.held) == (shown.available, shown.allowance.used, shown.allowance.held)
    assert (last.boosts, last.boosts_held) == (shown.boosts_remaining, shown.boosts_held)


def test_defect_7_the_month_renews_by_the_companys_calendar_once_however_many_come_and_however_late():
    first = ms("2026-03-31T21:00")
    acme = company(NOW, zone="Europe/Moscow")
    charge(acme, NOW, "follow_up", participants=1)
    assert declined(acme, first - 1).renews_at == first
    for _ in range(3):
        charge(acme, first, "crm_call_processing")
    assert [written.entry.kind for written in acme.entries].count("period_started") == 1
    assert acme.balance(ms("2026-08-15")).available == 10


def test_defect_8_a_plan_change_keeps_what_is_used_and_held():
    acme = company(NOW, "small")
    charge(acme, NOW, "follow_up", participants=1)
    opened = hold(acme, NOW, "crm_call_complete")
    change_plan(acme, NOW, "tiny")
    shown = acme.balance(NOW).allowance
    assert (shown.granted, shown.used, shown.held, shown.remaining) == (10, 10, 4, 0)
    void(acme, NOW, opened.id)
    assert acme.balance(NOW).available == 0
    change_plan(acme, NOW, "small")
    assert acme.balance(NOW).available == 90


def test_defect_8_what_boosts_have_paid_is_not_used():
    acme = company(NOW)
    charge(acme, NOW, "follow_up", participants=1)
    boost(acme, NOW, 50, NOW + DAY)
    charge(acme, NOW, "site_creation", images=22)
    reply = acme.do(c.ChangePlan(company=COMPANY, plan="small"), NOW)
    assert isinstance(reply, PlanChange)
    assert (reply.before.available, reply.after.available) == (25, 115)


def test_defect_10_a_true_cost_over_the_hold_is_drawn_or_declined_or_written_off_never_below_zero():
    acme = company(NOW)
    first = charge(acme, NOW, "crm_speech_analytics", subject="s")
    names = [hold(acme, NOW, "crm_speech_analytics", subject="s").id for _ in range(3)]
    charge(acme, NOW, "crm_call_complete")
    refund(acme, NOW, first.id)
    paid = capture(acme, NOW, names[0])
    assert (paid.cost, paid.held, acme.balance(NOW).available) == (2, 1, 2)
    refund(acme, NOW, paid.charge or "")
    charge(acme, NOW, "crm_call_complete")
    reply = acme.do(c.CaptureHold(company=COMPANY, hold=names[1]), NOW)
    assert isinstance(reply, Declined)
    assert (reply.cost, reply.available, reply.short_by, acme.state.holds[names[1]].status) == (2, 0, 1, "open")
    closed = capture(acme, NOW, names[1], at_most_held=True)
    assert (closed.cost, closed.written_off, acme.balance(NOW).available) == (1, 1, 0)


def test_defect_10_a_shared_stage_that_a_capture_did_not_pay_in_full_does_not_stand():
    acme = company(NOW, "maxi", catalogue=SMALL)
    first = charge(acme, NOW, "processing", subject="s")
    opened = hold(acme, NOW, "processing", subject="s")
    refund(acme, NOW, first.id)
    closed = capture(acme, NOW, opened.id, at_most_held=True)
    assert (closed.held, closed.cost, closed.written_off) == (1, 1, 2)
    again = charge(acme, NOW, "processing", subject="s")
    assert (again.cost, refund(acme, NOW, closed.charge or "").amount, refund(acme, NOW, again.id).amount) == (3, 1, 3)


@pytest.mark.parametrize("action", ["chat_question", "crm_call_complete", "follow_up", "site_creation"])
def test_defect_12_the_quote_and_the_act_cannot_differ(action: str):
    acme = company(NOW)
    boost(acme, NOW, 3, NOW + DAY)
    quantities = {"follow_up": {"participants": 2}, "site_creation": {"images": 30}}.get(action, {})
    asked = usage(action, **quantities)
    quote = acme.do(c.QuoteUsage(company=COMPANY, usage=asked), NOW)
    reply = acme.do(c.ChargeUsage(company=COMPANY, usage=asked), NOW)
    assert isinstance(quote, Quote)
    if isinstance(reply, Charge):
        assert (quote.cost, quote.draws) == (reply.cost, reply.draws)
    else:
        assert quote.decline == reply


def test_defect_17_a_refund_after_the_month_or_the_boost_has_ended_makes_no_new_requests():
    acme = company("2026-03-31")
    march, april = ms("2026-03-31"), ms("2026-04-01")
    first = charge(acme, march, "follow_up", participants=1)
    boost(acme, march, 5, april + HOUR)
    second = charge(acme, march, "crm_call_processing")
    charge(acme, april, "crm_call_processing")
    reply = refund(acme, april, first.id)
    assert (reply.amount, reply.lost, acme.balance(april).available) == (10, 10, 9)
    reply = refund(acme, april + HOUR, second.id)
    assert (reply.amount, reply.lost, acme.balance(april + HOUR).available) == (3, 3, 7)


def test_defect_18_statistics_belong_to_the_moment_of_the_call():
    acme = company(NOW, "small")
    opened = hold(acme, NOW, "site_creation", user="ann", department="law")
    charge(acme, NOW, user="ann", department="law")
    put(acme, NOW, time_zone="Asia/Kolkata")
    closed = capture(acme, NOW + 2 * HOUR, opened.id, images=4)
    refund(acme, NOW + 3 * HOUR, closed.charge or "")
    rows = acme.state.changes.statistics
    assert {(key.quarter, key.action, key.user, key.department) for key in rows} == {
        (NOW, "site_creation", "ann", "law"),
        (NOW, "chat_question", "ann", "law"),
    }
    [site] = [counts for key, counts in rows.items() if key.tool == "sites"]
    assert (site.calls, site.requests, site.refunded) == (1, 7, 7)
    assert isinstance(closed, Hold)


def test_defect_4_a_capture_that_names_other_quantities_than_the_first_is_refused_even_if_it_names_none():
    acme = company(NOW, "small")
    opened = hold(acme, NOW, "site_creation")
    first = acme.do(c.CaptureHold(company=COMPANY, hold=opened.id, quantities={"images": 4}), NOW)
    assert acme.do(c.CaptureHold(company=COMPANY, hold=opened.id, quantities={"images": 4}), NOW + DAY) == first
    for other in ({}, {"images": 5}):
        with pytest.raises(HoldClosed):
            acme.do(c.CaptureHold(company=COMPANY, hold=opened.id, quantities=other), NOW)
