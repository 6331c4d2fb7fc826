"""Which levels of its package a company is told to have crossed, when, and by which entry."""

from collections.abc import Callable, Iterator

import pytest

from kvota.core import commands as c
from kvota.core.account import Usage
from kvota.core.notices import Event, Notifications
from kvota.core.periods import HOUR
from kvota.settings import Settings
from kvota.store import EntryFilter
from kvota.wiring import Meter, open_meter
from tests.acceptance.servers import CATALOGUE
from tests.core.words import ms

CHAT = Usage(action="chat_question")
BEGIN = "2026-03-10T10:00"


@pytest.fixture
def opened(store_url: str) -> Iterator[Callable[[], Meter]]:
    """Opens meters on one store; each is what one process has."""
    meters: list[Meter] = []

    def another() -> Meter:
        meters.append(open_meter(Settings(store=store_url, catalogue=str(CATALOGUE), is_sandbox=True)))
        return meters[-1]

    yield another
    for meter in meters:
        meter.close()


@pytest.fixture
def meter(opened: Callable[[], Meter]) -> Meter:
    made = opened()
    made.store.set_clock(ms(BEGIN))
    made.engine.execute(c.PutCompany(company="acme", name="Acme", plan="tiny", time_zone="UTC"))
    return made


def charge(meter: Meter, times: int = 1) -> list[str]:
    """Charges of one request each; their ids."""
    return [meter.engine.execute(c.ChargeUsage(company="acme", usage=CHAT)).reply.id for _ in range(times)]


def events(meter: Meter) -> list[Event]:
    return sorted(meter.store.told(["acme"], 0), key=lambda one: (one.at, one.data["entry"], one.data["level"]))


def told(meter: Meter) -> list[tuple[object, object, object]]:
    """(level, used, size of the package) of each event, in order."""
    return [(one.data["level"], one.data["used"], one.data["granted"]) for one in events(meter)]


def test_each_level_is_told_with_the_entry_that_crosses_it(meter: Meter):
    for used in range(1, 11):
        charge(meter)
        assert told(meter) == [pair for pair in [(50, 5, 10), (80, 8, 10), (100, 10, 10)] if pair[1] <= used]
    with meter.store.snapshot() as view:
        entries = {one.entry.seq: one.entry for one in view.entries("acme", EntryFilter(), 0, 100)}
    for event in events(meter):
        assert entries[event.data["entry"]].balance.used == event.data["used"]
        assert entries[event.data["entry"]].at == event.at
    assert events(meter)[0].data["period"] == {"start": "2026-03-01T00:00:00.000Z", "end": "2026-04-01T00:00:00.000Z"}


def test_several_levels_that_one_entry_crosses_are_all_told(meter: Meter):
    charge(meter, 4)
    meter.engine.execute(c.Adjust(company="acme", amount=5, reason="elsewhere"))
    assert told(meter) == [(50, 9, 10), (80, 9, 10)]


def test_a_refund_and_a_second_crossing_are_not_told_again(meter: Meter):
    names = charge(meter, 8)
    for name in names[:4]:
        meter.engine.execute(c.RefundCharge(company="acme", charge=name))
    charge(meter, 5)
    assert told(meter) == [(50, 5, 10), (80, 8, 10)]


def test_a_crossing_is_told_however_the_batch_ends(meter: Meter):
    names = charge(meter, 4)
    with meter.store.begin():  # while the writer is taken the commands gather into one batch
        futures = [meter.engine.submit(c.ChargeUsage(company="acme", usage=CHAT))]
        futures += [meter.engine.submit(c.RefundCharge(company="acme", charge=name)) for name in names]
    assert [future.exception() for future in futures] == [None] * 5
    assert meter.reads.balance("acme").allowance.used == 1
    assert told(meter) == [(50, 5, 10)]


def test_a_hold_counts_when_it_is_captured(meter: Meter):
    held = [meter.engine.execute(c.HoldUsage(company="acme", usage=CHAT)).reply.id for _ in range(6)]
    assert told(meter) == []
    for name in held:
        meter.engine.execute(c.CaptureHold(company="acme", hold=name))
    assert told(meter) == [(50, 5, 10)]


def test_every_period_is_told_anew(meter: Meter):
    charge(meter, 5)
    meter.store.set_clock(ms("2026-04-01"))
    charge(meter, 5)
    assert told(meter) == [(50, 5, 10), (50, 5, 10)]
    assert len({event.id for event in events(meter)}) == 2


def test_the_same_level_of_a_larger_package_is_told_and_of_the_first_one_not_again(meter: Meter):
    charge(meter, 8)
    meter.engine.execute(c.ChangePlan(company="acme", plan="small"))
    charge(meter, 42)
    assert told(meter) == [(50, 5, 10), (80, 8, 10), (50, 50, 100)]
    meter.engine.execute(c.ChangePlan(company="acme", plan="tiny"))
    assert told(meter)[3:] == [(100, 50, 10)]  # its 50 and 80 % have been told


def test_a_smaller_package_is_told_at_once_and_a_dry_run_of_it_is_not(meter: Meter):
    meter.engine.execute(c.PutCompany(company="acme", allowance_override=20))
    charge(meter, 8)
    meter.engine.execute(c.PutCompany(company="acme", allowance_override=None))
    assert told(meter) == [(50, 8, 10), (80, 8, 10)]
    meter.engine.execute(c.ChangePlan(company="acme", plan="small"))
    meter.engine.execute(c.ChangePlan(company="acme", plan="tiny", dry_run=True))
    assert len(events(meter)) == 2


def test_a_company_s_own_levels_hold_from_its_next_entry_in_every_process(meter: Meter, opened: Callable[[], Meter]):
    other = opened()
    charge(meter, 2)
    charge(other, 1)
    other.store.put_notifications(Notifications(company="acme", levels=(20, 35, 60)))
    charge(meter, 1)
    assert told(meter) == [(35, 4, 10)]  # 20 % were behind it: nothing has crossed them since
    charge(other, 2)
    meter.store.put_notifications(Notifications(company="acme", levels=(90,)))
    charge(other, 4)
    assert told(meter) == [(35, 4, 10), (60, 6, 10), (90, 9, 10)]
    other.store.put_notifications(Notifications(company="acme", levels=()))
    meter.engine.execute(c.PutCompany(company="acme", allowance_override=11))
    charge(other)
    assert len(events(meter)) == 3


def test_a_company_without_a_package_is_told_of_none(meter: Meter):
    meter.engine.execute(c.PutCompany(company="acme", allowance_override=0))
    meter.engine.execute(c.AddBoost(company="acme", amount=10, expires_at=ms(BEGIN) + HOUR))
    charge(meter, 5)
    meter.engine.execute(c.Adjust(company="acme", amount=5, reason="elsewhere"))
    assert told(meter) == []


def test_of_a_history_that_is_loaded_nobody_is_told(store_url: str):
    now = ms(BEGIN)
    loading = open_meter(Settings(store=store_url, catalogue=str(CATALOGUE)), clock=lambda: now)
    loading.engine.execute(c.PutCompany(company="acme", name="Acme", plan="tiny", time_zone="UTC"))
    charge(loading, 8)
    assert told(loading) == []
    loading.close()
