"""Caps, the hour, plans, months, worked out by hand: the reference against the numbers of the rules."""

from __future__ import annotations

import copy

import pytest

from tests.model.examples import CHAT, CRM, SITE, company, funds, ms, spend, use
from tests.model.months import HOUR


def test_caps_hold_for_a_user_for_each_user_and_for_a_tool():
    now = ms("2026-03-10T09:00")
    acme = company("small", now, "Europe/Moscow")
    acme.set_cap(now, "each", {"users": "each"}, 5, "day")
    acme.set_cap(now, "olga", {"user": "olga"}, 12, "day", ms("2026-03-11"))
    acme.set_cap(now, "sites", {"tool": "sites"}, 20, "month")
    ivan, olga = use("processing", user="ivan"), use("follow_up", participants=2, user="olga")
    assert acme.charge(now, ivan, "ivan")["approved"]
    declined = acme.charge(now, ivan)
    assert (declined["reason"], declined["cap"]) == ("cap_reached", "each")
    assert acme.first_approved_instant(now, ivan) == ms("2026-03-10T21:00")
    assert acme.charge(now, olga)["approved"]
    assert acme.charge(now, use("site", images=1, user="petr"))["approved"]
    refunded = copy.copy(acme)
    refunded.refund(now, "ivan")
    assert refunded.charge(now, ivan)["approved"]  # a refund gives room back
    assert acme.charge(ms("2026-03-10T21:00"), ivan)["approved"]
    now = ms("2026-03-11T09:00")
    assert acme.charge(now, olga)["cap"] == "each"  # her own has ended
    assert acme.charge(now, use("site", images=13))["cap"] == "sites"
    assert acme.first_approved_instant(now, use("site", images=13)) == ms("2026-03-31T21:00")
    assert acme.charge(now, use("site", images=12))["approved"]
    acme.remove_cap(now, "each")
    assert acme.charge(now, olga)["approved"]


def test_a_hold_is_spent_in_its_own_window_until_it_returns_and_weeks_begin_on_monday():
    sunday = ms("2026-03-08T23:59")
    acme = company("small", sunday)
    acme.set_cap(sunday, "week", {"department": "sales"}, 25, "week")
    sales = use("site", department="sales")
    acme.hold(sunday, sales, 3600, "h")
    assert acme.charge(sunday, use("chat_question", department="sales"))["cap"] == "week"
    assert acme.charge(sunday, use("chat_question", department="law"))["approved"]
    assert acme.charge(sunday, use("follow_up", participants=9, department="sales"))["approved"]  # free
    assert acme.hold(sunday + 60_000, sales, 60)["approved"]
    acme.void(sunday + 60_000, "h")
    assert acme.hold(sunday + 60_000, sales)["cap"] == "week"
    assert acme.first_approved_instant(sunday + 60_000, sales, as_hold=True) == sunday + 120_000


def test_a_captured_hold_is_spent_at_the_instant_of_its_hold():
    evening = ms("2026-03-08T23:00")
    acme = company("small", evening)
    acme.set_cap(evening, "day", {"tool": "sites"}, 25, "day")
    acme.hold(evening, SITE, hold_id="h")
    acme.capture(evening + HOUR, "h", {"images": 22}, charge_id="c")
    assert acme.charge(evening + HOUR, use("site", images=20))["approved"]


def test_a_week_begins_on_monday_and_the_least_room_then_the_smaller_id_is_reported():
    friday, monday = ms("2026-03-06T12:00"), ms("2026-03-09")
    acme = company("small", friday)
    usage = use("processing", department="sales")
    acme.charge(friday, usage)
    for name, requests in [("wide", 5), ("b", 4), ("a", 4), ("wider", 6)]:
        acme.set_cap(friday, name, {"department": "sales"}, requests, "week")
    assert acme.charge(ms("2026-03-08T23:00"), usage)["cap"] == "a"
    acme.remove_cap(friday, "a")
    assert acme.charge(friday, usage)["cap"] == "b"
    assert acme.first_approved_instant(friday, usage) == monday
    acme.set_cap(friday, "b", {"department": "sales"}, 0, "week")
    assert acme.charge(friday, use("follow_up", participants=9, department="sales"))["approved"]  # cost 0 always passes


def test_a_plan_brings_its_own_cap_and_leaves_actions_out():
    beta = company("textual", 0)
    beta.set_cap(0, "anna", {"user": "anna"}, 99, "day")
    replies = [beta.charge(0, use("chat_question", user="anna")) for _ in range(8)]
    assert [r.get("cap") for r in replies] == [None] * 5 + ["plan"] * 3
    beta.set_cap(0, "anna", {"user": "anna"}, 1, "day")
    assert beta.charge(0, use("chat_question", user="anna"))["cap"] == "plan"
    assert beta.charge(0, use("site", images=1))["reason"] == "action_not_in_plan"


def test_the_hour_slides_and_each_slot_is_free_an_hour_after_its_call():
    ten = ms("2026-06-02T10:00")
    acme = company("large", ten, hourly_limit=6)
    acme.charge(ten, CHAT)
    half, late, eleven = ten + HOUR // 2, ten + 59 * 60_000, ten + HOUR
    assert sum(acme.charge(half, CHAT)["approved"] for _ in range(3)) == 3
    assert sum(acme.charge(late, CHAT)["approved"] for _ in range(5)) == 2
    assert acme.first_approved_instant(late, CHAT) == eleven
    assert acme.balance(late)["hourly"]["next_slot_at"] == eleven
    free = acme.quote(late, use("follow_up", participants=9))
    assert (free["approved"], free["cost"], free["reason"]) == (False, 0, "hourly_limit")
    assert acme.charge(eleven - 1, CHAT)["reason"] == "hourly_limit"
    assert acme.charge(eleven, CHAT)["approved"]
    assert acme.first_approved_instant(eleven, CHAT) == half + HOUR
    assert acme.balance(half + HOUR)["hourly"]["used"] == 3


def test_changing_the_plan_recalculates_what_is_left_and_spent_is_spent():
    now, june = ms("2026-05-12T08:00"), ms("2026-06-01")
    acme = company("small", now)
    spend(acme, now, 40)
    dry = acme.change_plan(now, "large", dry_run=True)
    assert (dry["before"]["available"], dry["after"]["available"]) == (60, 960)
    after = acme.change_plan(now, "tiny")["after"]
    assert after["allowance"] == {"granted": 10, "used": 40, "held": 0, "remaining": 0, "status": "used_up"}
    assert acme.charge(now, CHAT)["renews_at"] == june
    acme.add_boost(now, "b", 20, now + 30 * 24 * HOUR)
    assert funds(acme.charge(now, CRM)) == (0, [("b", 3)])
    assert acme.change_plan(now, "large")["after"]["available"] == 977
    change = acme.change_plan(now, "tiny", next_period=True)
    assert (change["effective_at"], change["before"]["available"], change["after"]["available"]) == (june, 977, 27)
    balance = acme.balance(now)
    assert (balance["plan"], balance["scheduled_plan"]) == ("large", "tiny")
    balance = acme.balance(june)
    assert (balance["plan"], balance["available"], balance["allowance"]["used"]) == ("tiny", 27, 0)
    assert acme.change_plan(june, "no_such_plan")["error"] == "unknown_plan"
    acme.check()


def test_an_override_wins_over_the_plan_and_an_adjustment_never_passes_zero():
    acme = company("tiny", 0)
    spend(acme, 0, 4)
    assert acme.set_override(0, 3)["available"] == 0
    assert acme.change_plan(0, "large")["after"]["available"] == 0
    assert acme.adjust(0, -2)["allowance"]["used"] == 2
    assert acme.adjust(0, -9)["available"] == 3
    assert acme.adjust(0, 7)["allowance"]["remaining"] == 0
    assert acme.set_override(0, None)["available"] == 993
    acme.refund(0, "charge-0")
    assert acme.balance(0)["allowance"]["used"] == 6
    assert acme.balance(ms("1970-02-01"))["allowance"]["used"] == 0
    acme.check()


def test_the_month_is_the_companys_own_and_nothing_carries_over():
    now = ms("2026-01-31T20:59:59.999")
    acme, beta = company("tiny", now, "Europe/Moscow"), company("tiny", now, "America/New_York")
    assert acme.charge(now, use("follow_up", participants=2))["available"] == 0
    declined = acme.charge(now, CHAT)
    assert (declined["short_by"], declined["renews_at"]) == (1, now + 1)
    assert acme.first_approved_instant(now, CHAT) == now + 1
    beta.charge(now, CHAT)
    assert acme.balance(now + 1)["period"] == {
        "start": now + 1,
        "end": ms("2026-02-28T21:00"),
        "time_zone": "Europe/Moscow",
    }
    assert acme.charge(now + 1, CRM)["available"] == 7
    assert acme.charge(now, CRM)["available"] == 4  # a clock that steps back stands still
    assert acme.balance(now)["at"] == acme.at == now + 1
    assert beta.balance(now + 1)["available"] == 9
    period = beta.balance(now + 1)["period"]
    assert (period["start"], period["end"]) == (ms("2026-01-01T05:00"), ms("2026-02-01T05:00"))
    period = beta.balance(ms("2026-03-15T12:00"))["period"]
    assert (period["start"], period["end"]) == (ms("2026-03-01T05:00"), ms("2026-04-01T04:00"))
    assert acme.balance(ms("2026-03-15T12:00"))["available"] == 10


@pytest.mark.parametrize(("old", "new"), [("Europe/Moscow", "America/New_York"), ("America/New_York", "Europe/Moscow")])
def test_a_new_zone_begins_when_the_month_has_ended_in_both_and_periods_adjoin(old: str, new: str):
    acme = company("tiny", ms("2026-01-10"), old)
    acme.set_time_zone(ms("2026-01-10"), new)
    turn = ms("2026-02-01T05:00")
    assert acme.balance(turn - 1)["period"]["end"] == turn
    period = acme.balance(turn)["period"]
    assert (period["start"], period["time_zone"]) == (turn, new)
    assert acme.balance(ms("2026-02-10"))["period"]["end"] == acme.balance(turn)["renews_at"]


def test_a_month_begins_with_its_first_instant_though_midnight_be_missing():
    acme = company("tiny", ms("2026-04-01"), "Africa/Cairo")  # in 2026 the clock skips 24 April 00:00 to 01:00
    acme.set_cap(ms("2026-04-23"), "day", {"tool": "chat"}, 1, "day")
    acme.charge(ms("2026-04-23"), CHAT)
    assert acme.first_approved_instant(ms("2026-04-23"), CHAT) == ms("2026-04-23T22:00")


def test_reads_and_declines_move_no_time_and_a_suspended_company_can_still_close_its_holds():
    acme = company("tiny", 0)
    acme.hold(0, CRM, 60, "h")
    acme.suspend(0)
    assert acme.charge(90_000, CHAT)["reason"] == "company_suspended"
    assert acme.balance(90_000)["available"] == 10
    assert acme.capture(30_000, "h")["cost"] == 3
    acme.resume(40_000)
    acme.set_tools_off(40_000, ["chat"])
    assert acme.charge(40_000, CHAT)["reason"] == "tool_disabled"
    acme.set_require_user(40_000, required=True)
    assert acme.charge(40_000, CRM)["reason"] == "user_required"
