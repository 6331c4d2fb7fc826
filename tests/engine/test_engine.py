"""Group commit: what stands together, what stands alone, and what happens at the edges."""

import time
from collections.abc import Iterator

import pytest

from kvota.committing import TRIES
from kvota.core import commands as c
from kvota.core.account import Charge, Hold, Usage
from kvota.core.declines import Declined
from kvota.engine import Engine
from kvota.errors import Busy, HoldClosed, NotFound, UnknownAction
from kvota.settings import Settings
from kvota.verify import verify
from kvota.wiring import Meter, open_meter
from tests.acceptance.servers import CATALOGUE
from tests.core.ledger import DAY, HOUR, MINUTE

CHAT = Usage(action="chat_question", user="ann")


@pytest.fixture
def meter(store_url: str) -> Iterator[Meter]:
    opened = open_meter(Settings(store=store_url, catalogue=str(CATALOGUE)))
    opened.engine.execute(c.PutCompany(company="acme", name="Acme", plan="tiny", time_zone="UTC"))
    yield opened
    opened.close()


def charge(**given: object) -> c.ChargeUsage:
    return c.ChargeUsage(company="acme", usage=CHAT, **given)


class Unforeseen(c.Command, frozen=True, kw_only=True):
    """A command that no decision knows: it fails in a way that nobody foresaw."""


def test_a_command_that_fails_takes_no_other_of_its_batch_with_it(meter: Meter):
    commands = [
        charge(),
        c.ChargeUsage(company="acme", usage=Usage(action="no_such_action")),
        Unforeseen(company="acme"),
        c.ChargeUsage(company="nobody", usage=CHAT),
        c.VoidHold(company="acme", hold="hld_0000000099"),
        charge(),
    ]
    with meter.store.begin():  # while the writer is taken the commands gather into one batch
        futures = [meter.engine.submit(command) for command in commands]
    kinds = [type(future.exception() or future.result().reply) for future in futures]
    assert kinds == [Charge, UnknownAction, KeyError, NotFound, NotFound, Charge]
    assert meter.reads.balance("acme").allowance.used == 2
    assert verify(meter.store) == []


def test_many_commands_that_fail_take_no_other_of_their_batch_with_them(meter: Meter):
    with meter.store.begin():
        meter.engine.submit(charge())
        futures = [meter.engine.submit(Unforeseen(company="acme")) for _ in range(2 * TRIES)]
        good = meter.engine.submit(charge())
    assert {type(future.exception()) for future in futures} == {KeyError}
    assert isinstance(good.result().reply, Charge)


def test_what_was_accepted_cannot_be_cancelled_and_is_carried_out(meter: Meter):
    with meter.store.begin():
        future = meter.engine.submit(charge())
        assert not future.cancel()
    assert isinstance(future.result().reply, Charge)
    assert isinstance(meter.engine.execute(charge()).reply, Charge)


def test_a_later_command_of_a_batch_sees_what_an_earlier_one_did(meter: Meter):
    with meter.store.begin():
        futures = [meter.engine.submit(charge()) for _ in range(12)]
        holding = meter.engine.submit(c.HoldUsage(company="acme", usage=CHAT))
    replies = [future.result().reply for future in futures]
    assert [type(reply) for reply in replies] == [Charge] * 10 + [Declined] * 2
    assert [reply.available for reply in replies[:10]] == list(range(9, -1, -1))
    assert isinstance(holding.result().reply, Declined)


def test_the_same_key_twice_in_one_batch_is_one_charge(meter: Meter):
    with meter.store.begin():
        futures = [meter.engine.submit(charge(key="k", request="r")) for _ in range(5)]
    outcomes = [future.result() for future in futures]
    assert len({outcome.reply.id for outcome in outcomes}) == 1
    assert [outcome.is_replayed for outcome in outcomes] == [False, True, True, True, True]


def test_a_full_queue_refuses_and_forgets_nothing_that_it_has_taken(meter: Meter):
    engine = Engine(meter.store, queue=5)
    with meter.store.begin():
        taken = [engine.submit(charge())]
        while engine.depth:
            time.sleep(0)  # until the writer thread has taken the first and waits for the store
        taken += [engine.submit(charge()) for _ in range(5)]
        with pytest.raises(Busy, match="5 calls are waiting"):
            engine.submit(charge())
    assert [type(future.result().reply) for future in taken] == [Charge] * 6
    engine.close()


def test_closing_finishes_what_was_accepted_and_refuses_what_comes(meter: Meter):
    engine = Engine(meter.store)
    accepted = [engine.submit(charge()) for _ in range(8)]
    engine.close()
    assert all(isinstance(future.result(0).reply, Charge) for future in accepted)
    with pytest.raises(Busy, match="ending"):
        engine.submit(charge())


def test_defect_3_a_capture_races_the_expiry_and_the_company_hears_one_answer(meter: Meter):
    now = [meter.reads.clock()]
    engine = Engine(meter.store, clock=lambda: now[0])
    held = engine.execute(c.HoldUsage(company="acme", usage=CHAT, ttl=60)).reply
    assert isinstance(held, Hold)
    now[0] += MINUTE
    with meter.store.begin():
        racing = [engine.submit(c.CaptureHold(company="acme", hold=held.id)), engine.submit(charge())]
    assert isinstance(racing[0].exception(), HoldClosed)
    assert racing[1].result().reply.available == 9
    assert verify(meter.store) == []
    engine.close()


def test_defect_16_a_clock_that_steps_back_renews_nothing_twice(meter: Meter):
    now = [meter.reads.clock() + 40 * DAY]
    engine = Engine(meter.store, clock=lambda: now[0])
    later = engine.execute(charge()).reply
    now[0] -= 80 * DAY
    earlier = engine.execute(charge()).reply
    assert (earlier.at, earlier.period_start, earlier.available) == (later.at, later.period_start, 8)
    assert verify(meter.store) == []
    engine.close()


def test_defect_16_the_stores_clock_decides_and_a_wrong_one_of_this_machine_is_told(postgres_url, monkeypatch):
    true = time.time
    monkeypatch.setattr(time, "time", lambda: true() + 3600)
    meter = open_meter(Settings(store=postgres_url, catalogue=str(CATALOGUE)))
    try:
        meter.engine.execute(c.PutCompany(company="acme", name="Acme", plan="tiny", time_zone="UTC"))
        reply = meter.engine.execute(charge()).reply
        assert abs(reply.at - true() * 1000) < 5 * MINUTE
        assert abs(meter.reads.clock_skew() + HOUR) < MINUTE
    finally:
        meter.close()
