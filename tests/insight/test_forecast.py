"""The forecast: what it makes of days, and that it is better than what anybody would do without it."""

import datetime as dt
from statistics import mean

import pytest

from bench.forecast import LINE, OURS, SAME, compared
from kvota.insight.forecast import Past, forecast
from kvota.insight.funding import Pack, Purse, carry
from kvota.insight.habit import DayUsed, learn

METHODS = (LINE, SAME, OURS)
MONDAY = dt.date(2026, 6, 1)
JULY = dt.date(2026, 7, 1)


def days(*requests, first=MONDAY):
    return tuple(DayUsed(first + dt.timedelta(days=n), used) for n, used in enumerate(requests))


def past(known, *, left, used=0, share=1.0, ends=JULY, **purse):
    today = known[-1].date + dt.timedelta(days=1) if known else MONDAY
    return Past(
        days=known, today=today, share=share, used=used, begins=MONDAY, ends=ends, purse=Purse(package=left, **purse)
    )


def test_two_days_are_enough_and_one_is_too_thin():
    assert forecast(past(days(10), left=100)).basis == "too_thin"
    assert forecast(past(days(10), left=100)).expected is None
    third = forecast(past(days(10, 12), left=100, used=22))
    assert (third.basis, third.known_days, third.verdict) == ("rough", 2, "runs_out")
    assert third.expected.low < third.expected.middle < third.expected.high
    assert third.runs_out.early <= third.runs_out.middle


def test_days_without_any_use_tell_nothing():
    thin = forecast(past(days(0, 0, 0, 0, 5), left=100, used=5))
    assert (thin.basis, thin.verdict, thin.runs_out) == ("too_thin", "unknown", None)


def test_a_company_that_uses_ten_a_day_has_used_three_hundred_by_the_end():
    steady = forecast(past(days(*[10] * 10), left=10_000, used=100))
    assert steady.verdict == "lasts"
    assert steady.chance == 1.0
    assert steady.missing == (0, 0, 0)
    assert steady.runs_out.early is None
    assert steady.ahead[0].date == dt.date(2026, 6, 11)
    assert steady.ahead[-1].date == dt.date(2026, 6, 30)
    assert steady.ahead[-1].used == steady.expected
    weekend_counts = forecast(past(days(*[10] * 28), left=10_000, used=280))
    assert weekend_counts.expected.middle == pytest.approx(300, abs=6)
    assert weekend_counts.basis == "fair"


def test_an_office_is_known_by_its_weekends():
    office = learn(days(*[20, 20, 20, 20, 20, 0, 0] * 3))
    assert office.weekdays[5] < 0.1
    assert office.weekdays[0] == pytest.approx(1, abs=0.05)
    assert not office.bursts
    assert not office.is_off


def test_a_burst_and_a_day_off_are_no_habit():
    quiet = days(*[20] * 20)
    wild = days(*[20] * 8, 200, *[20] * 5, 0, *[20] * 5)
    assert learn(wild).level == pytest.approx(learn(quiet).level, rel=0.03)
    assert learn(wild).burst_chance > 0
    assert learn(wild).off_chance > learn(quiet).off_chance


def test_days_on_which_the_package_had_run_out_are_left_out():
    cut = (*days(*[20] * 10), *(DayUsed(MONDAY + dt.timedelta(days=n), 0, is_full=False) for n in range(10, 20)))
    assert learn(cut) == learn(days(*[20] * 10))


def test_what_is_missing_is_what_nothing_pays():
    short = forecast(past(days(*[10] * 20), left=30, used=200))
    assert short.verdict == "runs_out"
    assert short.missing.middle == pytest.approx(short.expected.middle - 230, abs=5)
    assert dt.date(2026, 6, 22) <= short.runs_out.middle <= dt.date(2026, 6, 25)


def test_nothing_left_is_used_up_whatever_is_known():
    assert forecast(past(days(10), left=0)).verdict == "used_up"
    assert forecast(past(days(*[10] * 20), left=0, used=200)).verdict == "used_up"


def test_boosts_first_suspend_the_package_so_their_end_is_asked_for_beyond_the_period():
    packs = (Pack(MONDAY + dt.timedelta(days=300), 400),)
    known = days(*[10] * 20)
    asleep = forecast(past(known, left=1000, used=200, packs=packs, boosts_first=True, is_asleep=True))
    assert asleep.verdict == "lasts"
    assert asleep.runs_out.until > JULY
    assert dt.date(2026, 7, 20) < asleep.runs_out.middle < dt.date(2026, 8, 15)
    soon = forecast(past(known, left=1000, used=200, packs=(Pack(JULY, 30),), boosts_first=True, is_asleep=True))
    assert soon.verdict == "runs_out"
    assert soon.runs_out.late < JULY
    beside = forecast(past(known, left=1000, used=200, packs=packs))
    assert beside.verdict == "lasts"
    assert beside.runs_out.until == JULY


def test_packs_are_gone_on_their_date_and_the_package_pays_before_them_or_not_at_all():
    dates = [MONDAY + dt.timedelta(days=n) for n in range(3)]
    gone = Purse(package=5, packs=(Pack(dates[1], 100),))
    assert carry(gone, dates, [4.0, 4.0, 4.0]) == (1, 7.0)
    asleep = Purse(package=100, packs=(Pack(dates[2], 6),), boosts_first=True, is_asleep=True)
    assert carry(asleep, dates, [4.0, 4.0, 4.0]) == (1, 6.0)


def test_what_is_left_of_today_counts_by_its_share():
    whole, evening = (
        forecast(past(days(*[50] * 28), left=10_000, used=1400, share=share)).ahead[0].used.middle
        for share in (1.0, 0.1)
    )
    assert whole - 1400 > 5 * (evening - 1400) > 0


def test_it_is_better_than_both_baselines_and_says_how_sure_it_is():
    """A part of what docs/forecast.md publishes."""
    results = compared(each=5)
    errors, late = (
        {m: mean(getattr(r, what) for r in results if r.method == m and getattr(r, what) is not None) for m in METHODS}
        for what in ("error", "late_by")
    )
    assert errors[OURS] < min(errors[LINE], errors[SAME])
    assert late[OURS] < min(late[LINE], late[SAME])
    assert 0.72 <= mean(r.is_within for r in results if r.is_within is not None) <= 0.88
