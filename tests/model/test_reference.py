"""Prices, holds, boosts, worked out by hand: the reference against the numbers of the rules."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.model.examples import CATALOGUE, CHAT, CRM, SITE, company, funds, ms, spend, use
from tests.model.months import HOUR
from tests.model.reference import Reference


def test_prices_are_those_of_the_list_and_all_tools_share_one_balance():
    now = ms("2026-03-10T09:00")
    acme = company("small", now, "Europe/Moscow")
    steps = [
        (use("chat_question"), 1),
        (use("processing", subject="call:1"), 3),
        (use("analytics", subject="call:1"), 1),
        (use("analytics", subject="call:2"), 2),
        (use("processing", subject="call:2"), 2),
        (use("analytics"), 2),
        (use("follow_up", participants=3), 10),
        (use("follow_up", participants=4), 0),
        (use("site", images=0), 5),
        (use("site", images=9), 12),
        (use("site", images=400), 25),
        (use("block", images=0), 2),
        (use("block", images=1), 2),
        (use("block", images=4), 5),
        (use("follow_up", participants=1, stages=["summary", "transcription"]), 7),
    ]
    left = 100
    for usage, cost in steps:
        assert acme.quote(now, usage)["cost"] == cost
        reply = acme.charge(now, usage)
        left -= cost
        assert (reply["cost"], reply["available"], funds(reply)) == (cost, left, (cost, []))
    assert acme.balance(now)["hourly"] == {"limit": 600, "used": 15, "remaining": 585, "next_slot_at": None}
    acme.check()


@pytest.mark.parametrize(
    ("usage", "code"),
    [
        (use("no_such"), "unknown_action"),
        (use("follow_up"), "quantity_missing"),
        (use("chat_question", images=1), "invalid"),
        (use("site", images=-1), "invalid"),
        (use("site", images=True), "invalid"),
        (use("site", images=1_000_001), "invalid"),
        (use("site", images=1, stages=["x"]), "invalid"),
        (use("processing", stages=[]), "invalid"),
        (use("processing", stages=["summary", "summary"]), "invalid"),
    ],
)
def test_a_wrong_usage_is_an_error_and_writes_nothing(usage: dict[str, Any], code: str):
    acme = company("small", 0)
    assert acme.charge(9, usage)["error"] == code
    assert (acme.at, acme.balance(9)["available"]) == (0, 100)


def test_a_hold_and_a_quote_take_the_most_where_a_quantity_is_missing():
    acme = company("small", 0)
    assert [acme.quote(0, use(a))["cost"] for a in ("site", "follow_up")] == [25, 10]
    assert acme.quote(0, use("block"))["error"] == "quantity_missing"


def test_a_shared_stage_comes_back_with_the_last_charge_that_needs_it():
    acme = company("tiny", 0)
    acme.charge(0, use("analytics", subject="s"), "first")
    acme.charge(0, use("processing", subject="s"), "second")
    assert acme.refund(0, "first")["amount"] == 1
    acme.check()
    assert acme.refund(0, "second") == {"amount": 3, "returned_to": {"allowance": 3, "boosts": {}}, "lost": 0}
    assert acme.refund(0, "second")["amount"] == 3
    assert acme.charge(0, use("analytics", subject="s"))["cost"] == 2
    acme.check()


def test_the_stage_goes_back_to_what_paid_it_though_that_is_another_charge():
    acme = company("tiny", 0)
    spend(acme, 0, 9)
    acme.add_boost(0, "late", 5, ms("1970-06-01"))
    assert funds(acme.charge(0, use("analytics", subject="s"), "first")) == (1, [("late", 1)])
    acme.charge(0, use("processing", subject="s"), "second")
    assert acme.refund(0, "first")["returned_to"] == {"allowance": 0, "boosts": {"late": 1}}
    assert acme.refund(0, "second")["returned_to"] == {"allowance": 1, "boosts": {"late": 2}}


def test_holds_keep_the_most_and_a_capture_takes_the_true_cost():
    now = ms("2026-04-30T20:00")
    acme = company("small", now)
    reply = acme.hold(now, use("site", user="ivan"), 14_400, "h")
    assert (reply["held"], reply["available"], reply["expires_at"]) == (25, 75, ms("2026-05-01"))
    assert acme.balance(now)["allowance"] == {
        "granted": 100,
        "used": 0,
        "held": 25,
        "remaining": 75,
        "status": "active",
    }
    assert acme.capture(now, "h")["error"] == "quantity_missing"
    captured = acme.capture(now, "h", {"images": 4}, charge_id="c")
    assert [captured[k] for k in ("cost", "returned", "written_off", "available")] == [7, 18, 0, 93]
    assert acme.capture(now + 5, "h", {"images": 4}) == captured
    assert acme.capture(now, "h", {"images": 5}) == {"error": "hold_closed", "how": "captured", "closed_at": now}
    assert acme.void(now, "h")["error"] == "hold_closed"
    assert acme.hold(now, use("follow_up", participants=2), 60, "short")["available"] == 83
    assert acme.hold(now, use("processing", subject="call:9"), hold_id="call")["available"] == 80
    assert acme.quote(now, use("analytics", subject="call:9"))["cost"] == 2
    voided = acme.void(now, "call")
    assert (voided["returned"], voided["available"]) == (3, 83)
    assert acme.void(now, "call") == voided
    assert acme.balance(now + 59_999)["available"] == 83
    now += 60_000
    assert acme.balance(now)["available"] == 93
    assert acme.capture(now, "short", {"participants": 2})["how"] == "expired"
    acme.hold(now, SITE, 86_400, "over")
    now = ms("2026-05-01")
    captured = acme.capture(now, "over", {"images": 10})
    assert [captured[k] for k in ("cost", "returned", "lost", "available")] == [13, 12, 12, 100]
    assert acme.balance(now)["allowance"]["used"] == 0
    acme.check()


def test_a_capture_draws_the_difference_or_is_declined_or_writes_it_off():
    acme = company("tiny", 0)
    acme.charge(0, use("analytics", subject="s"), "first")
    for name in ("a", "b", "c"):
        assert acme.hold(0, use("analytics", subject="s"), hold_id=name)["held"] == 1
    spend(acme, 0, 4)
    acme.refund(0, "first")
    assert acme.balance(0)["available"] == 3
    reply = acme.capture(0, "a", charge_id="a")
    assert (reply["cost"], funds(reply), reply["available"]) == (2, (2, []), 2)
    acme.refund(0, "a")
    spend(acme, 0, 4)
    declined = acme.capture(0, "b")
    assert [declined[k] for k in ("reason", "cost", "available", "short_by")] == ["insufficient_requests", 2, 0, 1]
    assert acme.first_approved_capture(0, "b") is None
    reply = acme.capture(0, "b", at_most_held=True, charge_id="b")
    assert [reply[k] for k in ("cost", "written_off")] == [1, 1]
    assert acme.quote(0, use("analytics", subject="s"))["cost"] == 1  # the stage came first, and was paid in full
    acme.check()


def test_a_stage_that_was_not_paid_in_full_does_not_stand():
    dear = copy.deepcopy(CATALOGUE)
    dear["actions"]["analytics"]["stages"]["transcription"] = 3
    acme = Reference(dear, "tiny", "UTC", 0)
    acme.charge(0, use("analytics", subject="s"), "first")
    acme.hold(0, use("analytics", subject="s"), hold_id="h")
    acme.refund(0, "first")
    reply = acme.capture(0, "h", at_most_held=True, charge_id="poor")
    assert [reply[k] for k in ("cost", "written_off")] == [1, 3]
    assert acme.charge(0, use("analytics", subject="s"), "rich")["cost"] == 4
    assert acme.refund(0, "rich")["amount"] == 4
    assert acme.refund(0, "poor")["amount"] == 1
    acme.check()


def test_boosts_pay_what_the_package_cannot_soonest_expiry_first_all_or_nothing():
    now = ms("2026-07-20T10:00")
    acme = company("tiny", now)
    acme.add_boost(now, "late", 8, ms("2026-09-01"))
    acme.add_boost(now, "soon", 4, ms("2026-08-03"))
    assert acme.charge(now, use("site", images=6))["available"] == 13
    assert funds(acme.charge(now, CRM, "mixed")) == (1, [("soon", 2)])
    declined = acme.charge(now, use("site", images=8))
    assert [declined[k] for k in ("cost", "available", "short_by")] == [11, 10, 1]
    assert funds(acme.charge(now, use("site", images=7))) == (0, [("soon", 2), ("late", 8)])
    assert acme.refund(now, "mixed") == {"amount": 3, "returned_to": {"allowance": 1, "boosts": {"soon": 2}}, "lost": 0}
    assert acme.balance(now)["available"] == 3
    assert acme.balance(ms("2026-08-02T23:59:59.999"))["available"] == 12
    balance = acme.balance(ms("2026-08-03"))
    assert (balance["available"], balance["boosts"]["remaining"]) == (10, 0)


def test_what_comes_back_too_late_is_lost_and_the_last_drawn_comes_back_first():
    now = ms("2026-07-31T23:00")
    acme = company("tiny", now)
    acme.add_boost(now, "b", 10, ms("2026-09-01"))
    spend(acme, now, 4)
    assert funds(acme.hold(now, use("site", images=9), 7200, "h")) == (6, [("b", 6)])
    reply = acme.capture(now + HOUR, "h", {"images": 4}, charge_id="c")  # 7 stay: 6 of July's, 1 of the boost
    assert (funds(reply), reply["returned"], reply["lost"], reply["available"]) == ((6, [("b", 1)]), 5, 0, 19)
    assert acme.refund(now + HOUR, "c") == {"amount": 7, "returned_to": {"allowance": 0, "boosts": {"b": 1}}, "lost": 6}
    acme.check()


def test_a_boost_is_usable_strictly_before_its_expiry():
    acme = company("tiny", 0)
    acme.add_boost(0, "b", 9, 60_000)
    spend(acme, 0, 8)
    for name in ("early", "late", "itself"):
        acme.hold(0, CHAT, 60, name)
    assert acme.balance(59_999)["boosts"]["items"][0]["held"] == 1
    acme.adjust(0, 1)
    acme.void(59_999, "early")
    assert acme.void(60_000, "itself") == {"error": "hold_closed", "how": "expired", "closed_at": 60_000}
    acme.charge(59_999, CHAT, "c")
    acme.charge(59_999, CHAT, "d")
    assert acme.balance(60_000)["boosts"] == {"remaining": 0, "held": 0, "items": []}
    assert acme.refund(60_000, "d")["lost"] == 1
    acme.check()


def test_boosts_first_the_package_sleeps_while_a_boost_lasts_and_wakes_on_the_following_1st():
    now = ms("2026-07-20T10:00")
    acme = company("tiny", now, funds="boosts_first")
    assert acme.charge(now, CHAT)["available"] == 9
    acme.add_boost(now, "b", 4, ms("2027-01-01"))
    balance = acme.balance(now)
    assert (balance["available"], balance["allowance"]["status"], balance["boosts"]["remaining"]) == (4, "suspended", 4)
    assert funds(acme.charge(now, CRM, "crm")) == (0, [("b", 3)])
    declined = acme.charge(now, CRM)
    assert (declined["available"], declined["short_by"]) == (1, 2)
    assert acme.charge(now, CHAT)["available"] == 0
    assert acme.charge(now, CHAT)["reason"] == "insufficient_requests"
    assert acme.first_approved_instant(now, CHAT) == ms("2026-08-01")
    now = ms("2026-08-01")
    reply = acme.charge(now, CHAT)
    assert (funds(reply), reply["available"]) == ((1, []), 9)
    acme.refund(now, "crm")
    assert acme.balance(now)["available"] == 3
    assert acme.first_approved_instant(now, use("site", images=0)) == ms("2027-01-01")  # expires at a period's start


def test_boosts_first_what_is_held_counts_as_left():
    now = ms("2026-07-31T23:00")
    acme = company("tiny", now, funds="boosts_first")
    acme.add_boost(now, "b", 3, ms("2027-01-01"))
    acme.hold(now, CRM, 7200, "h")
    august = ms("2026-08-01")
    assert acme.balance(august)["allowance"]["status"] == "suspended"
    acme.capture(august, "h")
    assert acme.balance(august)["available"] == 0
    assert acme.first_approved_instant(august, CHAT) == ms("2026-09-01")


def test_boosts_first_the_last_expiry_within_a_month_brings_the_package_on_the_1st():
    now = ms("2026-07-20")
    acme = company("tiny", now, funds="boosts_first")
    acme.add_boost(now, "b", 3, ms("2026-08-10"))
    assert [acme.balance(ms(t))["available"] for t in ("2026-08-09", "2026-08-10", "2026-08-31", "2026-09-01")] == [
        3,
        0,
        0,
        10,
    ]
    acme.revoke_boost(ms("2026-08-01"), "b")
    assert acme.balance(ms("2026-08-01"))["available"] == 10
