"""Who pays, in which order, and where it goes back to."""

import pytest

from kvota.core import commands as c
from kvota.core.decisions.calls import OrderPaid
from kvota.errors import Invalid, NotFound
from tests.core.ledger import COMPANY, DAY, HOUR, Ledger
from tests.core.words import (
    boost,
    capture,
    change_plan,
    charge,
    company,
    company_boosts_first,
    declined,
    hold,
    ms,
    paid,
    put,
    refund,
    revoke,
    void,
)  # fmt: skip

NOW = ms("2026-07-20T10:00")
AUGUST = ms("2026-08-01")


def test_the_free_requests_pay_first_then_boosts_soonest_expiry_then_oldest_then_id():
    acme = company(NOW)
    late = boost(acme, NOW, 8, "2026-09-01")
    first = boost(acme, NOW, 2, "2026-08-03")
    second = boost(acme, NOW, 2, "2026-08-03")
    third = boost(acme, NOW + 1, 2, "2026-08-03")
    charge(acme, NOW + 1, "site_creation", images=6)
    reply = charge(acme, NOW + 1, "site_creation", images=5)
    assert paid(reply.draws) == [("2026-07", 1), (first, 2), (second, 2), (third, 2), (late, 1)]


def test_all_or_nothing_what_does_not_fit_takes_nothing():
    acme = company(NOW)
    boost(acme, NOW, 1, "2026-09-01")
    reply = declined(acme, NOW, "site_creation", images=9)
    assert (reply.cost, reply.available, reply.short_by) == (12, 11, 1)
    assert acme.balance(NOW).available == 11


def test_a_boost_is_usable_strictly_before_its_expiry():
    acme = company(NOW)
    boost(acme, NOW, 5, NOW + HOUR)
    assert [acme.balance(NOW + HOUR - 1).available, acme.balance(NOW + HOUR).available] == [15, 10]


def test_what_is_given_back_returns_in_the_reverse_order_of_drawing():
    acme = company(NOW)
    pack = boost(acme, NOW, 10, "2026-09-01")
    charge(acme, NOW, "crm_call_complete")
    opened = hold(acme, NOW, "site_creation", images=9)
    assert paid(opened.draws) == [("2026-07", 6), (pack, 6)]
    closed = capture(acme, NOW, opened.id, images=4)
    assert (paid(closed.paid), closed.returned) == ([("2026-07", 6), (pack, 1)], 5)
    assert paid(refund(acme, NOW, closed.charge or "").draws) == [(pack, 1), ("2026-07", 6)]


def test_what_comes_back_after_its_period_or_boost_has_ended_is_lost_and_makes_nothing_new():
    acme = company("2026-07-31T23:00")
    at = ms("2026-07-31T23:00")
    boost(acme, at, 3, "2026-08-02")
    reply = charge(acme, at, "site_creation", images=10)
    back = refund(acme, ms("2026-08-02"), reply.id)
    assert (back.amount, back.lost, back.draws) == (13, 13, ())
    assert acme.balance(ms("2026-08-02")).available == 10


def test_the_extra_of_a_capture_is_drawn_by_the_same_order_and_counts_in_the_present_period():
    acme = company("2026-07-31T23:00", "small")
    at = ms("2026-07-31T23:00")
    first = charge(acme, at, "crm_speech_analytics", subject="s")
    opened = hold(acme, at, "crm_speech_analytics", subject="s")
    assert opened.held == 1
    refund(acme, at, first.id)
    closed = capture(acme, AUGUST, opened.id)
    assert paid(closed.paid) == [("2026-07", 1), ("2026-08", 1)]
    assert acme.balance(AUGUST).allowance.used == 1


def test_an_override_wins_over_the_plan_and_survives_its_change():
    acme = company(NOW)
    put(acme, NOW, allowance_override=3)
    assert acme.balance(NOW).available == 3
    change_plan(acme, NOW, "large")
    assert acme.balance(NOW).available == 3
    put(acme, NOW, allowance_override=None)
    assert acme.balance(NOW).available == 1000


def test_boosts_first_boosts_alone_pay_and_the_package_sleeps_until_the_1st_after_they_are_used_up():
    acme = company_boosts_first(NOW)
    assert charge(acme, NOW).available == 9
    pack = boost(acme, NOW, 4, "2027-01-01")
    assert acme.balance(NOW).allowance.status == "suspended"
    assert paid(charge(acme, NOW, "crm_call_complete").draws) == [(pack, 4)]
    reply = declined(acme, NOW)
    assert (reply.available, reply.retry_at) == (0, AUGUST)
    assert acme.balance(AUGUST).available == 10


def test_boosts_first_a_boost_that_lasts_over_the_1st_keeps_the_package_asleep():
    acme = company_boosts_first(NOW)
    boost(acme, NOW, 4, "2026-08-10")
    shown = [acme.balance(ms(at)).available for at in ("2026-08-01", "2026-08-10", "2026-08-31", "2026-09-01")]
    assert shown == [4, 0, 0, 10]


def test_boosts_first_a_call_that_a_boost_cannot_pay_may_come_again_on_the_1st_after_its_expiry():
    acme = company_boosts_first(NOW)
    boost(acme, NOW, 1, "2026-10-10")
    assert declined(acme, NOW, "crm_call_processing").retry_at == ms("2026-11-01")


def test_boosts_first_a_boost_that_expires_exactly_at_a_periods_start_was_not_usable_in_it():
    acme = company_boosts_first(NOW)
    boost(acme, NOW, 4, AUGUST)
    assert [acme.balance(AUGUST - 1).available, acme.balance(AUGUST).available] == [4, 10]


def test_boosts_first_a_boost_revoked_exactly_at_a_periods_start_was_not_usable_in_it():
    acme = company_boosts_first(NOW)
    pack = boost(acme, NOW, 4, "2027-01-01")
    revoke(acme, AUGUST, pack)
    assert acme.balance(AUGUST).available == 10


def test_boosts_first_a_boost_revoked_a_millisecond_later_was():
    acme = company_boosts_first(NOW)
    pack = boost(acme, NOW, 4, "2027-01-01")
    revoke(acme, AUGUST + 1, pack)
    assert [acme.balance(AUGUST + 1).available, acme.balance(ms("2026-09-01")).available] == [0, 10]


@pytest.mark.parametrize("at", [NOW, AUGUST])
def test_boosts_first_a_boost_added_and_revoked_in_one_millisecond_counts_as_having_been_live(at: int):
    acme = company_boosts_first(NOW)
    revoke(acme, at, boost(acme, at, 4, "2027-01-01"))
    assert acme.balance(at).allowance.status == "suspended"


def test_boosts_first_a_boost_drawn_from_at_a_periods_start_was_usable_in_it_though_revoked_at_once():
    acme = company_boosts_first(NOW)
    pack = boost(acme, NOW, 4, "2027-01-01")
    charge(acme, AUGUST)
    revoke(acme, AUGUST, pack)
    assert acme.balance(AUGUST).available == 0


def test_boosts_first_what_is_held_counts_as_left():
    acme = company_boosts_first("2026-07-31T23:00")
    at = ms("2026-07-31T23:00")
    boost(acme, at, 3, "2027-01-01")
    opened = hold(acme, at, "crm_call_processing")
    assert acme.balance(AUGUST).allowance.status == "suspended"
    capture(acme, AUGUST, opened.id)
    assert [acme.balance(AUGUST).available, acme.balance(ms("2026-09-01")).available] == [0, 10]


def test_boosts_first_what_comes_back_to_a_used_up_boost_puts_the_package_to_sleep_again():
    acme = company_boosts_first(NOW)
    boost(acme, NOW, 3, "2027-01-01")
    reply = charge(acme, NOW, "crm_call_processing")
    assert charge(acme, AUGUST).available == 9
    refund(acme, AUGUST, reply.id)
    assert (acme.balance(AUGUST).available, acme.balance(AUGUST).allowance.status) == (3, "suspended")


def test_revoking_again_says_nothing_and_an_expired_or_unknown_boost_is_not_found():
    acme = company(NOW)
    pack = boost(acme, NOW, 3, NOW + HOUR)
    revoke(acme, NOW, pack)
    entries = len(acme.entries)
    revoke(acme, NOW + DAY, pack)
    assert len(acme.entries) == entries
    gone = boost(acme, NOW, 3, NOW + HOUR)
    for name in (gone, "bst_0000000099", "none"):
        with pytest.raises(NotFound):
            revoke(acme, NOW + HOUR, name)


def ordered(acme: Ledger, command: c.Command, at: int) -> OrderPaid:
    reply = acme.do(command, at)
    assert isinstance(reply, OrderPaid)
    return reply


def test_an_order_is_credited_once_however_often_it_is_confirmed():
    acme = company(NOW)
    order = ordered(acme, c.PlaceOrder(company=COMPANY, boost="boost_20"), NOW).order
    first = ordered(acme, c.ConfirmOrder(company=COMPANY, order=order.id, reference="a"), NOW)
    again = ordered(acme, c.ConfirmOrder(company=COMPANY, order=order.id, reference="b"), NOW + DAY)
    assert (first, acme.balance(NOW).available) == (again, 30)


def test_the_thousandth_live_boost_is_the_last_and_an_order_stays_pending():
    acme = company(NOW)
    order = ordered(acme, c.PlaceOrder(company=COMPANY, boost="boost_20"), NOW).order
    for _ in range(1000):
        boost(acme, NOW, 1, NOW + HOUR)
    for command in (
        c.AddBoost(company=COMPANY, boost="boost_20"),
        c.ConfirmOrder(company=COMPANY, order=order.id),
    ):
        with pytest.raises(Invalid, match="1000 live boosts"):
            acme.do(command, NOW)
    assert acme.state.orders[order.id].status == "pending"
    assert ordered(acme, c.ConfirmOrder(company=COMPANY, order=order.id), NOW + HOUR).order.status == "paid"


def test_a_void_gives_back_everything_and_repeats_its_reply():
    acme = company(NOW)
    opened = hold(acme, NOW, "crm_call_processing")
    closed = void(acme, NOW, opened.id)
    assert (closed.returned, acme.balance(NOW).available) == (3, 10)
    assert void(acme, NOW + DAY, opened.id) == closed


def test_defect_9_an_order_is_credited_once_however_often_it_is_confirmed():
    at = ms("2026-03-10")
    acme = company(at)
    order = acme.do(c.PlaceOrder(company=COMPANY, boost="boost_20"), at)
    confirm = c.ConfirmOrder(company=COMPANY, order=order.order.id, reference="invoice 17")
    first = acme.do(confirm, at)
    again = acme.do(c.ConfirmOrder(company=COMPANY, order=order.order.id, reference="another"), at + DAY)
    assert first == again
    assert acme.balance(at + DAY).boosts_remaining == 20
