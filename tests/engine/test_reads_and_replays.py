"""What is read while something has fallen due and is not written yet, and what a repeated key answers."""

from collections.abc import Iterator

import pytest

from kvota.committing import Outcome
from kvota.core import commands as c
from kvota.core.account import Boost as LiveBoost
from kvota.core.account import Hold, Usage
from kvota.core.declines import Declined
from kvota.stores import open_store
from tests.core.ledger import COMPANY, HOUR, SMALL
from tests.core.words import ms
from tests.engine.meter import Meter

NOW = ms("2026-03-10T09:00")


@pytest.fixture
def meter() -> Iterator[Meter]:
    meter = Meter(open_store("sqlite:///:memory:"), SMALL)
    meter.clock.now = NOW
    meter.engine.execute(c.PutCompany(company=COMPANY, name="Acme", plan="mini", time_zone="UTC"))
    yield meter
    meter.close()


def hold(meter: Meter, ttl: int) -> str:
    reply = meter.engine.execute(c.HoldUsage(company=COMPANY, usage=Usage(action="chat"), ttl=ttl)).reply
    assert isinstance(reply, Hold)
    return reply.id


def test_pages_of_expired_holds_leave_out_none_whether_its_end_has_been_written_or_not(meter: Meter):
    late, early, open_one = hold(meter, 2 * 3600), hold(meter, 3600), hold(meter, 4 * 3600)
    meter.clock.now = NOW + HOUR
    meter.engine.execute(c.Adjust(company=COMPANY, amount=1, reason="writes the first end"))
    meter.clock.now = NOW + 2 * HOUR
    pages, after = [], ""
    while page := meter.reads.holds(COMPANY, "expired", after, 1):
        pages += [row.id for row in page]
        after = page[-1].id
    assert pages == [late, early]
    assert [row.id for row in meter.reads.holds(COMPANY, "open", "", 1)] == [open_one]
    assert [row.status for row in meter.reads.holds(COMPANY, None, "", 9)] == ["expired", "expired", "open"]


def test_a_key_of_a_command_that_answers_nothing_can_be_repeated(meter: Meter):
    added = meter.engine.execute(c.AddBoost(company=COMPANY, boost="some", key="a")).reply
    assert isinstance(added, LiveBoost)
    command = c.RevokeBoost(company=COMPANY, boost=added.id, key="b")
    first, again = meter.engine.execute(command), meter.engine.execute(command)
    assert (first.reply, first.is_replayed, again.reply, again.is_replayed) == (None, False, None, True)


def test_a_plan_whose_own_cap_would_decline_the_call_is_no_way_out_though_no_cap_was_ever_set(meter: Meter):
    for _ in range(3):
        meter.engine.execute(c.ChargeUsage(company=COMPANY, usage=Usage(action="chat", user="ann")))
    usage = Usage(action="processing", user="ann")
    reply = meter.engine.execute(c.ChargeUsage(company=COMPANY, usage=usage)).reply
    assert isinstance(reply, Declined)
    assert [way.id for way in reply.ways_out if way.kind == "plan"] == ["midi", "maxi"]


def test_a_company_made_and_used_in_one_batch_is_created_once(meter: Meter):
    put = c.PutCompany(company="beta", name="Beta", plan="mini", time_zone="UTC")
    use = c.ChargeUsage(company="beta", usage=Usage(action="chat"))
    assert not [answer for answer in meter.together([put, use, put, use], NOW) if isinstance(answer, Exception)]
    assert meter.reads.balance("beta").available == 1


@pytest.mark.parametrize("in_one_batch", [False, True])
def test_a_decline_knows_the_days_of_a_zone_that_was_set_in_the_same_batch(meter: Meter, *, in_one_batch: bool):
    meter.clock.now = ms("2026-04-01T02:00")
    meter.engine.execute(c.PutCompany(company="york", name="York", plan="textual", time_zone="America/New_York"))
    charge = c.ChargeUsage(company="york", usage=Usage(action="processing", user="ann"))
    meter.engine.execute(charge)
    commands: list[c.Command] = [c.PutCompany(company="york", time_zone="UTC"), charge]
    if in_one_batch:
        answers = meter.together(commands, meter.clock.now)
    else:
        answers = [meter.engine.execute(command) for command in commands]
    assert isinstance(answers[1], Outcome)
    assert isinstance(declined := answers[1].reply, Declined)
    assert (declined.cap, declined.retry_at) == ("plan", ms("2026-04-02T00:00"))
