"""The statistics: what counts when and for whom, the days before, and the entries behind each number."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from kvota.core import commands as c
from kvota.core.account import Usage
from kvota.errors import Invalid
from kvota.insight.counted import counted
from kvota.insight.statistics import Choice, Sums, statistics
from kvota.stores import open_store
from tests.core.ledger import COMPANY, DAY, HOUR, MINUTE, SMALL
from tests.core.words import ms
from tests.engine.meter import Meter

ROOMY = SMALL.replace("hourly_limit = 5", "hourly_limit = 1000")
EVENING = ms("2026-03-10T23:30")
TENTH = Choice(start=dt.date(2026, 3, 10), end=dt.date(2026, 3, 11))
MARCH = Choice(start=dt.date(2026, 3, 1), end=dt.date(2026, 4, 1))


@contextmanager
def company(zone="UTC", now=EVENING, **settings) -> Iterator[Meter]:
    meter = Meter(open_store("sqlite:///:memory:"), ROOMY)
    meter.clock.now = now
    given = {"name": "Acme", "plan": "mini", "time_zone": zone, "allowance_override": 1000, **settings}
    meter.engine.execute(c.PutCompany(company=COMPANY, **given))
    yield meter
    meter.close()


def charge(meter, action, user="ann", department=None, subject=None, **quantities):
    usage = Usage(action=action, user=user, department=department, subject=subject, quantities=quantities)
    return meter.engine.execute(c.ChargeUsage(company=COMPANY, usage=usage)).reply


def refund(meter, charge):
    meter.engine.execute(c.RefundCharge(company=COMPANY, charge=charge.id))


def said(meter, chosen=MARCH, limit=100):
    return statistics(meter.reads, COMPANY, chosen, limit)


def behind(meter, chosen, limit=1000):
    """The entries behind, over all pages, and what they add up to."""
    after, items = 0, []
    while after is not None:
        page = counted(meter.reads, COMPANY, chosen, after, limit)
        items += page.items
        after = page.next
    sums = {name: sum(getattr(one.counts, name) for one in items) for name in Sums.__struct_fields__}
    return items, Sums(**sums)


def test_a_hold_that_is_captured_tomorrow_and_a_refund_count_in_the_hour_of_the_call():
    with company() as meter:
        hold = meter.engine.execute(c.HoldUsage(company=COMPANY, usage=Usage(action="site", user="ann"))).reply
        assert said(meter).total.now == Sums()
        meter.clock.now += HOUR
        meter.engine.execute(c.CaptureHold(company=COMPANY, hold=hold.id, quantities={"images": 2}))
        late = charge(meter, "chat")
        meter.clock.now += 3 * DAY
        refund(meter, late)
        of_day = {line.name: line.now for line in said(meter).days if line.now != Sums()}
        assert of_day == {
            "2026-03-10": Sums(calls=1, requests=3),
            "2026-03-11": Sums(calls=1, requests=1, refunded=1),
        }
        items, sums = behind(meter, TENTH)
        assert [(one.entry.kind, one.since) for one in items] == [("captured", EVENING)]
        assert sums == Sums(calls=1, requests=3)
        assert [line.now.calls for line in said(meter).hours][23] == 1


def test_what_is_written_off_stands_beside_the_cost():
    with company(allowance_override=2) as meter:
        usage = Usage(action="block", quantities={"images": 2})
        hold = meter.engine.execute(c.HoldUsage(company=COMPANY, usage=usage)).reply
        meter.engine.execute(c.CaptureHold(company=COMPANY, hold=hold.id, quantities={"images": 6}, at_most_held=True))
        assert said(meter).total.now == behind(meter, MARCH)[1] == Sums(calls=1, requests=2, written_off=4)


def test_a_shared_stage_that_comes_back_counts_for_the_call_that_had_paid_it():
    with company() as meter:
        payer = charge(meter, "processing", subject="s")
        meter.clock.now += DAY
        other = charge(meter, "analytics", user="bob", subject="s")
        refund(meter, payer)
        meter.clock.now += DAY
        refund(meter, other)
        lines = {line.name: line.now for line in said(meter).users}
        assert lines == {"ann": Sums(calls=1, requests=3, refunded=3), "bob": Sums(calls=1, requests=2, refunded=2)}
        for user, sums in lines.items():
            items, found = behind(meter, Choice(start=MARCH.start, end=MARCH.end, user=user))
            assert (found, len(items)) == (sums, 3)
        assert behind(meter, TENTH)[1] == Sums(calls=1, requests=3, refunded=3)


def test_beside_each_number_stand_as_many_days_before():
    with company(now=ms("2026-03-08T09:00")) as meter:
        charge(meter, "chat")
        charge(meter, "chat", user="bob")
        meter.clock.now += 2 * DAY
        charge(meter, "processing")
        found = said(meter, Choice(start=dt.date(2026, 3, 9), end=dt.date(2026, 3, 11)))
        assert found.before == dt.date(2026, 3, 7)
        assert (found.total.now.requests, found.total.before.requests) == (3, 2)
        assert [(line.name, line.now.calls, line.before.calls) for line in found.days] == [
            ("2026-03-09", 0, 0),
            ("2026-03-10", 1, 2),
        ]
        assert [(line.name, line.now.requests, line.before.requests) for line in found.users] == [
            ("ann", 3, 1),
            ("bob", 0, 1),
        ]
        assert [(line.name, line.now.calls) for line in found.tools] == [("crm", 1), ("chat", 0)]


def test_who_spent_most_comes_first_and_the_rest_stand_together():
    with company() as meter:
        for user, times in (("ann", 1), ("bob", 3), (None, 2), ("zoe", 2)):
            for _ in range(times):
                charge(meter, "chat", user=user)
        assert [(line.name, line.now.calls) for line in said(meter).users] == [
            ("bob", 3), (None, 2), ("zoe", 2), ("ann", 1),
        ]  # fmt: skip
        *first, rest = said(meter, limit=1).users
        assert [line.name for line in first] == ["bob"]
        assert (rest.name, rest.others, rest.now) == (None, 3, Sums(calls=5, requests=5))


@pytest.mark.parametrize(
    ("narrowed", "requests"),
    [
        ({"user": "ann"}, 4),
        ({"user": ""}, 1),
        ({"department": "law"}, 3),
        ({"department": ""}, 2),
        ({"tool": "crm"}, 3),
        ({"action": "chat"}, 2),
        ({"hour": 23}, 1),
        ({"hour": 0}, 4),
        ({"hour": 0, "user": "ann", "tool": "chat"}, 0),
    ],
)
def test_a_number_can_be_narrowed_down_and_the_entries_behind_it_add_up_to_it(narrowed, requests):
    with company() as meter:
        charge(meter, "chat")
        meter.clock.now += 31 * MINUTE
        charge(meter, "processing", department="law")
        charge(meter, "chat", user=None)
        chosen = Choice(start=MARCH.start, end=MARCH.end, **narrowed)
        found = said(meter, chosen)
        assert found.total.now.requests == requests
        assert behind(meter, chosen)[1] == found.total.now
        for lines in (found.days, found.hours, found.tools, found.actions, found.users, found.departments):
            assert sum(line.now.requests for line in lines) == requests


def test_pages_of_entries_go_on_where_the_last_one_ended():
    with company() as meter:
        made = [charge(meter, "chat", user=("ann", "bob")[n % 2]) for n in range(9)]
        refund(meter, made[0])
        items, sums = behind(meter, Choice(start=TENTH.start, end=TENTH.end, user="ann"), 2)
        assert [one.entry.seq for one in items] == [2, 4, 6, 8, 10, 11]
        assert sums == Sums(calls=5, requests=5, refunded=1)


def test_declines_are_counted_by_reason_and_tool_beside_those_before():
    with company(allowance_override=1, now=ms("2026-03-09T09:00")) as meter:
        for user in ("ann", "ann", "bob"):
            charge(meter, "chat", user=user)
        meter.clock.now += DAY
        charge(meter, "processing")
        found = said(meter, TENTH)
        assert [(one.reason, one.tool, one.count, one.before) for one in found.declines] == [
            ("insufficient_requests", "crm", 1, 0),
            ("insufficient_requests", "chat", 0, 2),
        ]
        ninth = Choice(start=dt.date(2026, 3, 9), end=dt.date(2026, 3, 10), user="bob", tool="chat")
        assert [one.count for one in said(meter, ninth).declines] == [1]
        assert said(meter, Choice(start=MARCH.start, end=MARCH.end, action="chat")).declines is None


def test_a_repeated_hour_is_one_of_the_day_and_a_removed_one_is_empty():
    with company(zone="America/New_York", now=ms("2026-11-01T05:30")) as meter:
        charge(meter, "chat")
        meter.clock.now += HOUR  # it is half past one again
        charge(meter, "chat")
        chosen = Choice(start=dt.date(2026, 11, 1), end=dt.date(2026, 11, 2))
        assert [line.now.calls for line in said(meter, chosen).hours][:3] == [0, 2, 0]
        assert behind(meter, Choice(start=chosen.start, end=chosen.end, hour=1))[1].calls == 2
        removed = Choice(start=dt.date(2026, 3, 8), end=dt.date(2026, 3, 9), hour=2)
        assert said(meter, removed).total.now == behind(meter, removed)[1] == Sums()


def test_no_days_and_too_many_are_refused():
    with company() as meter:
        for end in (MARCH.start, MARCH.start + dt.timedelta(days=367)):
            with pytest.raises(Invalid):
                said(meter, Choice(start=MARCH.start, end=end))
            with pytest.raises(Invalid):
                behind(meter, Choice(start=MARCH.start, end=end))
