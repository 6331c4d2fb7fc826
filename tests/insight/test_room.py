"""What one person may still use: as much as a call may cost, and no more."""

from collections.abc import Iterator

import pytest

from kvota.core import commands as c
from kvota.core.account import Usage
from kvota.core.declines import Declined
from kvota.insight.room import rooms
from kvota.settings import Settings
from kvota.wiring import Meter, open_meter
from tests.core.ledger import CASES
from tests.core.words import ms


@pytest.fixture
def meter(store_url: str, tmp_path) -> Iterator[Meter]:
    catalogue = tmp_path / "cases.toml"
    catalogue.write_text(CASES)
    meter = open_meter(Settings(store=store_url, catalogue=str(catalogue), is_sandbox=True))
    meter.reads.set_clock(ms("2026-04-09T12:00"))
    meter.engine.execute(c.PutCompany(company="acme", name="Acme", plan="large", time_zone="Europe/Moscow"))
    yield meter
    meter.close()


def cap(meter: Meter, name: str, scope: str, of: str | None, **more: object) -> None:
    fields = {"per": "day", **more}
    meter.engine.execute(c.SetCap(company="acme", cap=name, scope=scope, name=of, **fields))  # type: ignore[arg-type]


def charge(meter: Meter, user: str = "ann", action: str = "chat_question", **quantities: int) -> object:
    usage = Usage(action=action, user=user, quantities=quantities)
    return meter.engine.execute(c.ChargeUsage(company="acme", usage=usage)).reply


def left(meter: Meter, user: str = "ann") -> dict[str, tuple[int, int]]:
    return {room.cap.id: (room.spent, room.left) for room in rooms(meter.reads, "acme", user).caps}


def test_a_room_is_what_may_still_be_spent_under_each_cap_that_holds_for_the_person(meter: Meter):
    meter.reads.put_person("acme", "ann", {"department": "sales"})
    charge(meter, "ann", "site_creation", images=2)
    cap(meter, "each", "users", None, requests=20)
    cap(meter, "sales", "department", "sales", requests=30, per="week")
    cap(meter, "lab", "department", "lab", requests=1)
    cap(meter, "sites", "tool", "sites", requests=12, per="month")
    cap(meter, "bobs", "user", "bob", requests=1)
    charge(meter, "bob")
    assert left(meter) == {"each": (5, 15), "sales": (5, 25), "sites": (5, 7)}
    assert left(meter, "bob") == {"bobs": (1, 0), "sites": (5, 7)}
    meter.reads.set_clock(ms("2026-04-10T12:00"))
    assert left(meter)["each"] == (0, 20)


def test_what_is_held_counts_and_a_call_that_costs_all_of_the_room_passes_and_the_next_does_not(meter: Meter):
    cap(meter, "own", "user", "ann", requests=6)
    usage = Usage(action="site_creation", user="ann", quantities={"images": 2})
    held = meter.engine.execute(c.HoldUsage(company="acme", usage=usage)).reply
    assert left(meter) == {"own": (5, 1)}
    charge(meter)
    assert left(meter) == {"own": (6, 0)}
    refused = charge(meter)
    assert isinstance(refused, Declined)
    assert refused.cap == "own"
    meter.engine.execute(c.VoidHold(company="acme", hold=held.id))
    assert left(meter) == {"own": (1, 5)}


def test_a_cap_that_has_ended_and_one_of_somebody_else_leave_no_trace(meter: Meter):
    until = ms("2026-04-09T13:00")
    meter.engine.execute(
        c.SetCap(company="acme", cap="own", scope="user", name="ann", requests=5, per="day", until=until)
    )
    assert left(meter) == {"own": (0, 5)}
    meter.reads.set_clock(until)
    assert left(meter) == {}
    assert rooms(meter.reads, "acme", "ann").balance.available == 1000
