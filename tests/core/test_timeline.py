"""What time brings by itself, and in which order at one instant."""

from kvota.core import commands as c
from tests.core.ledger import COMPANY, DAY, HOUR, Ledger
from tests.core.words import boost, change_plan, charge, company, declined, hold, ms, put

MARCH, APRIL = ms("2026-03-31T23:00"), ms("2026-04-01")


def kinds(ledger: Ledger, after: int = 0) -> list[str]:
    return [written.entry.kind for written in ledger.entries[after:]]


def test_at_one_instant_boosts_expire_then_the_period_begins_then_holds_expire():
    acme = company(MARCH)
    hold(acme, MARCH, "crm_call_processing", ttl=3600)
    boost(acme, MARCH, 5, APRIL)
    change_plan(acme, MARCH, "small", "next_period")
    before = len(acme.entries)
    charge(acme, APRIL)
    assert kinds(acme, before) == ["boost_expired", "period_started", "plan_changed", "hold_expired", "charged"]
    assert {written.entry.at for written in acme.entries[before:]} == {APRIL}


def test_what_fell_due_is_written_in_the_order_of_its_instants_each_at_its_own():
    acme = company(MARCH)
    hold(acme, MARCH, ttl=1800)
    boost(acme, MARCH, 5, APRIL + HOUR)
    hold(acme, MARCH, ttl=3 * 3600)
    before = len(acme.entries)
    charge(acme, APRIL + DAY)
    told = [(written.entry.kind, written.entry.at - MARCH) for written in acme.entries[before:]]
    assert told == [
        ("hold_expired", HOUR // 2),
        ("period_started", HOUR),
        ("boost_expired", 2 * HOUR),
        ("hold_expired", 3 * HOUR),
        ("charged", HOUR + DAY),
    ]


def test_a_hold_that_expires_just_when_its_boost_does_has_lost_what_it_held():
    acme = company(MARCH)
    charge(acme, MARCH, "follow_up", participants=1)
    boost(acme, MARCH, 5, MARCH + HOUR // 2)
    hold(acme, MARCH, "crm_call_processing", ttl=1800)
    charge(acme, APRIL)
    [fact] = [w.entry.fact for w in acme.entries if w.entry.kind == "hold_expired"]
    assert (fact.back, [one.amount for one in fact.lost]) == ((), [3])  # type: ignore[union-attr]


def test_a_hold_is_open_until_the_instant_at_which_it_expires():
    acme = company(MARCH)
    hold(acme, MARCH, "crm_call_processing", ttl=1800)
    ends = MARCH + HOUR // 2
    assert [acme.balance(at).allowance.held for at in (ends - 1, ends)] == [3, 0]


def test_reads_declines_and_errors_move_no_time():
    acme = company(MARCH)
    hold(acme, MARCH, "crm_call_processing", ttl=1800)
    put(acme, MARCH, tools_off=("chat",))
    before = len(acme.entries)
    assert declined(acme, APRIL + DAY).available == 10
    assert acme.balance(APRIL + DAY).available == 10
    assert (len(acme.entries), acme.account.at, acme.balance(MARCH).allowance.held) == (before, MARCH, 3)


def test_an_entrys_instant_never_precedes_the_one_before_it():
    acme = company(MARCH)
    charge(acme, APRIL)
    charge(acme, MARCH)
    assert [written.entry.at for written in acme.entries[-2:]] == [APRIL, APRIL]


def test_a_scheduled_plan_takes_effect_on_the_1st_and_a_later_change_replaces_it():
    acme = company(MARCH)
    change_plan(acme, MARCH, "small", "next_period")
    change_plan(acme, MARCH, "large", "next_period")
    assert acme.balance(APRIL).available == 1000
    put(acme, MARCH, plan="tiny")  # naming the present plan replaces nothing
    assert acme.balance(APRIL).plan == "large"
    acme.do(c.DropScheduledPlan(company=COMPANY), MARCH)
    assert acme.balance(APRIL).plan == "tiny"
