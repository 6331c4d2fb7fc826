"""Months, weeks and days: they adjoin in every zone, also where daylight saving removes or repeats midnight."""

import datetime as dt
from zoneinfo import ZoneInfo, available_timezones

import pytest

from kvota.core.periods import DAY, MINUTE, day, first_instant, month, month_of, next_quarter, period_end, rfc3339, week
from tests.core.words import charge, company, ms, put

ZONES = sorted(available_timezones() - {"localtime", "Factory"})
MONTHS = range(2024 * 12, 2031 * 12)


def local(zone: str, at: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(at / 1000, ZoneInfo(zone))


@pytest.mark.parametrize("letter", sorted({zone[0] for zone in ZONES}))
def test_months_adjoin_in_every_zone_and_begin_with_the_first_instant_of_the_1st(letter: str):
    for zone in (name for name in ZONES if name[0] == letter):
        for number in MONTHS:
            span = month(zone, number)
            assert span.end == month(zone, number + 1).start, zone
            here, before = local(zone, span.start), local(zone, span.start - 1)
            assert (here.year * 12 + here.month - 1, here.day) == (number, 1), zone
            assert (before.year, before.month) != (here.year, here.month), zone
            assert month_of(zone, span.start) == number == month_of(zone, span.end - 1), zone


@pytest.mark.parametrize(
    ("zone", "date", "expected"),
    [
        ("America/Sao_Paulo", "2017-10-15", "2017-10-15T03:00:00.000Z"),  # midnight is missing: it begins at 01:00
        ("America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00:00.000Z"),  # the hour before midnight comes twice
        ("America/St_Johns", "2009-03-08", "2009-03-08T03:30:00.000Z"),  # the change came a minute after midnight
        ("America/St_Johns", "2009-11-01", "2009-11-01T02:30:00.000Z"),  # 00:00 comes again 59 minutes after it
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00.000Z"),
        ("Africa/Cairo", "2026-10-30", "2026-10-29T22:00:00.000Z"),
        ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00:00.000Z"),
        ("Asia/Beirut", "2026-10-25", "2026-10-24T22:00:00.000Z"),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00.000Z"),  # this date was skipped altogether
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00.000Z"),
        ("Europe/Moscow", "2026-11-01", "2026-10-31T21:00:00.000Z"),
        ("Asia/Kolkata", "2026-11-01", "2026-10-31T18:30:00.000Z"),
    ],
)
def test_a_local_date_begins_at_its_first_instant(zone: str, date: str, expected: str):
    assert rfc3339(first_instant(zone, dt.date.fromisoformat(date))) == expected


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("America/Sao_Paulo", "2017-10-01"),
        ("America/Sao_Paulo", "2018-02-01"),
        ("America/St_Johns", "2009-03-01"),
        ("America/St_Johns", "2009-10-20"),
        ("Africa/Cairo", "2026-04-10"),
        ("Asia/Beirut", "2026-10-10"),
        ("Pacific/Apia", "2011-12-15"),
    ],
)
def test_days_and_weeks_adjoin_and_contain_their_instants_where_midnight_is_disturbed(zone: str, start: str):
    at = day(zone, ms(start)).start
    for _ in range(30):
        today, this_week = day(zone, at), week(zone, at)
        assert today.start == at
        assert today == day(zone, at + 1) == day(zone, today.end - 1)
        assert this_week.start <= today.start < today.end <= this_week.end
        assert week(zone, this_week.end).start == this_week.end
        at = today.end


@pytest.mark.parametrize(("old", "new"), [("Europe/Moscow", "America/New_York"), ("America/New_York", "Europe/Moscow")])
def test_a_new_zone_begins_when_the_month_has_ended_in_both_and_the_periods_adjoin(old: str, new: str):
    now, turn = ms("2026-01-10"), ms("2026-02-01T05:00")
    acme = company(now, zone=old)
    put(acme, now, time_zone=new)
    assert acme.balance(turn - 1).period_end == turn
    shown = acme.balance(turn)
    assert (shown.period_start, shown.time_zone) == (turn, new)
    assert shown.period_end == month(new, 2026 * 12 + 1).end
    assert acme.balance(shown.period_end).period_start == shown.period_end


def test_the_period_ends_with_the_later_of_two_midnights():
    assert period_end(2026 * 12, "Europe/Moscow", "America/New_York") == ms("2026-02-01T05:00")
    assert period_end(2026 * 12, "America/New_York", "Europe/Moscow") == ms("2026-02-01T05:00")


def test_naming_the_zone_in_force_drops_the_one_that_waits():
    now = ms("2026-01-10")
    acme = company(now, zone="Europe/Moscow")
    put(acme, now, time_zone="America/New_York")
    put(acme, now, time_zone="Europe/Moscow")
    assert acme.balance(now).period_end == ms("2026-01-31T21:00")


def test_a_zone_dropped_after_its_own_1st_begins_the_month_at_once_never_in_the_past():
    acme = company("2026-01-10", zone="Europe/Moscow")
    put(acme, ms("2026-01-10"), time_zone="America/New_York")
    charge(acme, ms("2026-01-31T23:00"))
    put(acme, ms("2026-02-01T00:00"), time_zone="Europe/Moscow")
    assert acme.account.period_start == ms("2026-02-01T00:00")
    assert (acme.account.used, acme.account.period_end) == (0, ms("2026-02-28T21:00"))


def test_a_zone_dropped_between_two_quarters_of_an_hour_begins_the_month_with_the_next():
    acme = company("2026-01-10", zone="Europe/Moscow")
    put(acme, ms("2026-01-10"), time_zone="America/New_York")
    put(acme, ms("2026-02-01T00:07"), time_zone="Europe/Moscow")
    assert (
        acme.balance(ms("2026-02-01T00:07")).period_end
        == ms("2026-02-01T00:15")
        == next_quarter(ms("2026-02-01T00:07"))
    )
    assert acme.balance(ms("2026-02-01T00:15")).period_start == ms("2026-02-01T00:15")


def test_months_without_a_call_bring_one_renewal_into_the_present_month():
    acme = company("2026-01-10")
    charge(acme, ms("2026-01-10"), "follow_up", participants=1)
    charge(acme, ms("2026-05-20"))
    kinds = [written.entry.kind for written in acme.entries]
    assert kinds == ["company_created", "charged", "period_started", "charged"]
    assert acme.account.period_start == ms("2026-05-01")


def test_a_clock_that_steps_back_over_the_1st_renews_nothing_twice_and_stands_still():
    first = ms("2026-02-01")
    acme = company(first - DAY)
    charge(acme, first, "follow_up", participants=1)
    assert acme.balance(first - MINUTE).available == 0
    assert acme.balance(first - MINUTE).at == first
    assert acme.balance(first + DAY).available == 0


def test_nothing_carries_over_and_the_1st_is_decided_to_the_millisecond():
    acme = company("2026-01-31", zone="Europe/Moscow")
    first = ms("2026-01-31T21:00")
    assert (acme.balance(first - 1).period_end, acme.balance(first).period_start) == (first, first)
    charge(acme, first - 1, "follow_up", participants=1)
    assert [acme.balance(at).available for at in (first - 1, first)] == [0, 10]
