"""What stops a call, and in which order; and when it would run by itself."""

import pytest

from kvota.core import commands as c
from kvota.core.catalogue import Book
from kvota.core.declines import WayOut
from kvota.errors import Invalid
from tests.core.ledger import CASES, COMPANY, DAY, HOUR, MINUTE, Ledger, edition
from tests.core.words import (
    cap,
    capture,
    change_plan,
    charge,
    company,
    declined,
    hold,
    ms,
    put,
    refund,
    void,
)  # fmt: skip

NOW = ms("2026-03-10T09:00")


def test_the_first_limit_in_the_order_of_the_rules_gives_the_reason():
    acme = Ledger(Book([edition(CASES, hourly_limit=1)]), at=NOW, plan="textual")
    charge(acme, NOW, user="ann")
    acme.do(c.Adjust(company=COMPANY, amount=49, reason="spent"), NOW)
    put(acme, NOW, tools_off=("crm", "chat"), require_user=True)
    cap(acme, NOW, "all", 0, tool="chat")
    acme.do(c.Suspend(company=COMPANY), NOW)
    reasons = [declined(acme, NOW, "sales_script").reason]
    acme.do(c.Resume(company=COMPANY), NOW)
    reasons.append(declined(acme, NOW, "sales_script").reason)
    put(acme, NOW, tools_off=("chat",))
    reasons.append(declined(acme, NOW, "sales_script").reason)
    put(acme, NOW, tools_off=())
    reasons += [declined(acme, NOW).reason, declined(acme, NOW, user="ann").reason]
    acme.do(c.RemoveCap(company=COMPANY, cap="all"), NOW)
    reasons += [declined(acme, NOW, user="ann").reason, declined(acme, NOW + HOUR, user="ann").reason]
    assert reasons == [
        "company_suspended", "tool_disabled", "action_not_in_plan", "user_required", "cap_reached", "hourly_limit",
        "insufficient_requests",
    ]  # fmt: skip


def test_a_users_own_cap_stands_instead_of_the_one_for_each_even_where_it_is_wider():
    acme = company(NOW, "small")
    cap(acme, NOW, "each", 2, users="each")
    cap(acme, NOW, "ann", 5, user="ann")
    charge(acme, NOW, "crm_call_complete", user="ann")
    assert declined(acme, NOW, "crm_speech_analytics", user="ann").cap == "ann"
    assert declined(acme, NOW, "crm_call_complete", user="bob").cap == "each"


def test_a_cap_ends_at_its_until_and_the_one_for_each_takes_its_place():
    acme = company(NOW, "small")
    cap(acme, NOW, "each", 2, users="each")
    cap(acme, NOW, "ann", 5, user="ann", until=NOW + HOUR)
    charge(acme, NOW + HOUR - 1, "crm_call_processing", user="ann")
    assert declined(acme, NOW + HOUR, user="ann").cap == "each"


def test_a_cap_whose_end_is_not_ahead_is_refused():
    acme = company(NOW)
    for until in (NOW, NOW - 1):
        with pytest.raises(Invalid, match="after"):
            cap(acme, NOW, "a", 5, tool="chat", until=until)


def test_all_scopes_apply_user_before_department_before_tool():
    acme = company(NOW, "small")
    for name, scope in (("t", {"tool": "chat"}), ("d", {"department": "law"}), ("u", {"user": "ann"})):
        cap(acme, NOW, name, 0, **scope)
    assert declined(acme, NOW, user="ann", department="law").cap == "u"
    assert declined(acme, NOW, user="bob", department="law").cap == "d"
    assert declined(acme, NOW).cap == "t"


def test_of_several_caps_on_one_scope_the_least_room_is_reported_then_the_smaller_id_and_all_could_be_raised():
    acme = company(NOW, "small")
    charge(acme, NOW, "crm_call_processing")
    for name, requests in (("wide", 9), ("b", 3), ("a", 3), ("c", 4)):
        cap(acme, NOW, name, requests, tool="crm", per="week")
    reply = declined(acme, NOW, "crm_speech_analytics")
    assert (reply.cap, reply.short_by) == ("a", 0)
    assert [way.id for way in reply.ways_out if way.kind == "cap"] == ["a", "b", "c"]


def test_a_plans_cap_is_reported_as_plan_and_no_company_lifts_it():
    acme = company(NOW, "textual")
    cap(acme, NOW, "ann", 99, user="ann")
    for _ in range(5):
        charge(acme, NOW, user="ann")
    reply = declined(acme, NOW, user="ann")
    assert (reply.cap, reply.retry_at) == ("plan", ms("2026-03-11"))
    assert next(way.id for way in reply.ways_out if way.kind == "plan") == "small"
    assert charge(acme, NOW).cost == 1
    with pytest.raises(Invalid, match="plan"):
        cap(acme, NOW, "plan", 5, user="ann")


@pytest.mark.parametrize(
    ("per", "expected"),
    [("day", "2026-03-10T21:00"), ("week", "2026-03-15T21:00"), ("month", "2026-03-31T21:00")],
)
def test_caps_count_by_day_week_from_monday_or_month_in_the_companys_zone(per: str, expected: str):
    acme = company(NOW, "small", "Europe/Moscow")
    cap(acme, NOW, "a", 3, tool="crm", per=per)
    charge(acme, NOW, "crm_call_processing")
    assert declined(acme, NOW, "sales_script").retry_at == ms(expected)
    assert declined(acme, ms(expected) - 1, "sales_script").cap == "a"
    assert charge(acme, ms(expected), "sales_script").cost == 1


def test_what_was_spent_before_a_cap_was_set_counts_and_a_free_action_always_passes():
    acme = company(NOW, "small")
    charge(acme, NOW, "follow_up", participants=1, user="ann")
    cap(acme, NOW, "a", 10, user="ann")
    assert declined(acme, NOW, user="ann").cap == "a"
    assert charge(acme, NOW, "follow_up", participants=4, user="ann").cost == 0


def test_held_counts_as_spent_until_it_returns_and_a_refund_gives_room_back():
    acme = company(NOW, "small")
    cap(acme, NOW, "a", 25, tool="sites")
    opened = hold(acme, NOW, "site_creation")
    assert declined(acme, NOW, "site_creation", images=0).retry_at == NOW + 4 * HOUR
    closed = capture(acme, NOW, opened.id, images=20)
    assert declined(acme, NOW, "site_creation", images=0).cap == "a"
    refund(acme, NOW, closed.charge or "")
    void(acme, NOW, hold(acme, NOW, "site_creation").id)
    assert charge(acme, NOW, "site_creation", images=22).cost == 25


def test_a_captured_hold_is_spent_on_the_day_of_its_hold():
    evening = ms("2026-03-10T23:00")
    acme = company(evening, "small")
    cap(acme, evening, "a", 25, tool="sites")
    opened = hold(acme, evening, "site_creation")
    capture(acme, evening + 2 * HOUR, opened.id, images=22)
    assert charge(acme, evening + 2 * HOUR, "site_creation", images=22).cost == 25


def test_a_months_cap_counts_from_the_very_start_of_a_period_that_is_no_midnight():
    acme = company("2026-01-10", "small", "America/New_York")
    put(acme, ms("2026-01-10"), time_zone="Europe/Moscow")
    turn = ms("2026-02-01T05:00")
    cap(acme, turn - HOUR, "a", 4, tool="crm", per="month")
    charge(acme, turn - HOUR, "crm_call_processing")
    charge(acme, turn, "crm_call_processing")
    put(acme, turn + HOUR, time_zone="Asia/Kolkata")
    assert charge(acme, turn + 2 * HOUR, "sales_script").cost == 1
    assert declined(acme, turn + 3 * HOUR, "sales_script").cap == "a"


def hours(limit: int) -> Ledger:
    return Ledger(Book([edition(CASES, hourly_limit=limit)]), at=NOW, plan="large")


def test_a_slot_frees_exactly_one_hour_after_its_call():
    acme = hours(2)
    charge(acme, NOW)
    charge(acme, NOW + 10 * MINUTE)
    assert declined(acme, NOW + HOUR - 1).retry_at == NOW + HOUR
    charge(acme, NOW + HOUR)
    assert declined(acme, NOW + HOUR).retry_at == NOW + 70 * MINUTE


def test_holds_and_free_calls_take_slots_captures_take_none_and_nothing_gives_one_back():
    acme = hours(3)
    opened = hold(acme, NOW)
    charge(acme, NOW, "follow_up", participants=9)
    refund(acme, NOW, charge(acme, NOW).id)
    capture(acme, NOW, opened.id)
    assert declined(acme, NOW).reason == "hourly_limit"
    assert declined(acme, NOW, "follow_up", participants=9).cost == 0
    hourly = acme.balance(NOW).hourly
    assert hourly is not None
    assert (hourly.used, hourly.remaining, hourly.next_slot_at) == (3, 0, NOW + HOUR)


def test_no_limit_in_the_policy_is_no_limit():
    acme = Ledger(Book([edition(CASES.replace("hourly_limit = 600", ""))]), at=NOW, plan="large")
    for _ in range(700):
        charge(acme, NOW)
    assert acme.balance(NOW).hourly is None


def test_a_decline_names_every_way_out_cheapest_first_the_unpriced_last_by_amount():
    acme = company(NOW)
    charge(acme, NOW, "follow_up", participants=1)
    reply = declined(acme, NOW)
    assert [(way.kind, way.id) for way in reply.ways_out] == [
        ("boost", "boost_200"), ("plan", "small"), ("plan", "large"), ("boost", "boost_20"), ("plan", "textual"),
        ("wait", None),
    ]  # fmt: skip
    assert reply.ways_out[-1] == WayOut(kind="wait", at=ms("2026-04-01"))


def test_a_plan_whose_own_cap_would_decline_the_call_is_no_way_out():
    acme = company(NOW)
    charge(acme, NOW, "follow_up", participants=1, user="ann")
    assert "textual" not in [way.id for way in declined(acme, NOW, user="ann").ways_out]
    assert "textual" in [way.id for way in declined(acme, NOW, user="bob").ways_out]


@pytest.mark.parametrize("settings", [{"tools_off": ("chat",)}, {"require_user": True}])
def test_what_no_time_removes_has_no_retry_at(settings: dict[str, object]):
    acme = company(NOW)
    put(acme, NOW, **settings)
    assert declined(acme, NOW).retry_at is None


def test_a_scheduled_plan_may_bring_an_action_back():
    acme = company(NOW, "textual")
    change_plan(acme, NOW, "small", "next_period")
    assert declined(acme, NOW, "sales_script").retry_at == ms("2026-04-01")


def test_a_new_catalogue_that_waits_may_let_a_call_through():
    book = Book([edition(CASES, hourly_limit=1), edition(CASES, NOW + 20 * MINUTE, "2026-03-10", hourly_limit=2)])
    acme = Ledger(book, at=NOW)
    charge(acme, NOW)
    assert declined(acme, NOW + 1).retry_at == NOW + 20 * MINUTE


def test_a_boost_can_be_named_only_while_there_is_room_for_one_more():
    acme = company(NOW)
    charge(acme, NOW, "follow_up", participants=1)
    for _ in range(1000):
        acme.do(c.AddBoost(company=COMPANY, amount=1, expires_at=NOW + DAY), NOW)
    for _ in range(40):
        charge(acme, NOW, "site_creation", images=22)
    assert [way.kind for way in declined(acme, NOW).ways_out] == ["plan", "plan", "plan", "wait"]
    acme.do(c.RevokeBoost(company=COMPANY, boost=next(iter(acme.state.boosts))), NOW)
    assert "boost" in {way.kind for way in declined(acme, NOW).ways_out}


def test_what_a_capture_leaves_unspent_gives_room_in_the_day_of_its_hold_not_in_its_own():
    acme = company("2026-03-10T20:00", "large")
    evening, morning = ms("2026-03-10T20:00"), ms("2026-03-11T08:00")
    acme.do(c.SetCap(company=COMPANY, cap="ann", scope="user", name="ann", requests=25, per="day"), evening)
    opened = hold(acme, evening, "site_creation", ttl=86_400, user="ann")
    assert capture(acme, morning, opened.id, images=4).cost == 7
    charge(acme, morning, "site_creation", images=400, user="ann")
    assert declined(acme, morning, user="ann").cap == "ann"


def test_a_call_that_a_hold_stands_in_the_way_of_may_come_again_when_the_hold_expires():
    acme = company(NOW)
    hold(acme, NOW, "follow_up", ttl=3600)
    assert declined(acme, NOW).retry_at == NOW + HOUR


def test_a_call_that_a_cap_stops_may_come_again_when_the_cap_ends():
    acme = company(NOW)
    cap(acme, NOW, "a", 0, tool="chat", until=NOW + HOUR)
    assert declined(acme, NOW).retry_at == NOW + HOUR
