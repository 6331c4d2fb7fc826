"""Which catalogue is in force when a store is opened."""

import pytest

from kvota.catalogue_file import parse
from kvota.core import commands as c
from kvota.core.account import Charge, Usage
from kvota.core.declines import Declined
from kvota.editions import offer_catalogue
from kvota.errors import CatalogueInvalid, UnknownPlan
from kvota.settings import Settings
from kvota.stores import open_store
from kvota.verify import verify
from kvota.wiring import open_meter
from tests.core.ledger import CASES, COMPANY, HOUR, SMALL
from tests.core.words import ms
from tests.engine.meter import Meter


def serve_with(store_url, catalogue) -> str:
    """Open the store with a catalogue; the id and version in force."""
    meter = open_meter(Settings(store=store_url, catalogue=str(catalogue)))
    try:
        return f"{meter.reads.catalogue().id} {meter.reads.catalogue().version}"
    finally:
        meter.close()


def test_the_shipped_default_does_not_replace_a_catalogue_of_ones_own(sqlite_url, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text(CASES)
    assert serve_with(sqlite_url, own) == "cases 2026-01-01"
    assert serve_with(sqlite_url, "bitrix24") == "cases 2026-01-01"


def test_a_newer_version_is_loaded_and_an_older_or_a_changed_one_refused(sqlite_url, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text(CASES)
    newer = tmp_path / "newer.toml"
    newer.write_text(CASES.replace('version = "2026-01-01"', 'version = "2026-02-01"'))
    changed = tmp_path / "changed.toml"
    changed.write_text(newer.read_text().replace("allowance = 100\n", "allowance = 101\n"))
    assert serve_with(sqlite_url, own) == "cases 2026-01-01"
    assert serve_with(sqlite_url, newer) == "cases 2026-02-01"
    with pytest.raises(CatalogueInvalid, match="older than 2026-02-01"):
        serve_with(sqlite_url, own)
    with pytest.raises(CatalogueInvalid, match="100 → 101"):
        serve_with(sqlite_url, changed)


def test_no_company_comes_to_a_plan_that_a_catalogue_to_come_drops():
    meter = Meter(open_store("sqlite:///:memory:"), SMALL)
    meter.clock.now = ms("2026-03-10T09:00")
    meter.store.enter_sandbox()
    meter.store.set_clock(meter.clock.now)
    meter.engine.execute(c.PutCompany(company=COMPANY, name="Acme", plan="mini", time_zone="UTC"))
    april = SMALL.replace("2026-01-01", "2026-04-01").replace("[plans.maxi]", "[plans.maximal]")
    assert offer_catalogue(meter.store, parse(april), april).is_new
    for command in (
        c.PutCompany(company=COMPANY, plan="maxi"),
        c.PutCompany(company="other", name="Other", plan="maxi", time_zone="UTC"),
        c.ChangePlan(company=COMPANY, plan="maxi", dry_run=True),
        c.ChangePlan(company=COMPANY, plan="maxi"),
        c.ChangePlan(company=COMPANY, plan="maxi", effective="next_period"),
    ):
        with pytest.raises(UnknownPlan, match="one of mini, midi, textual"):
            meter.engine.execute(command)
    charge = c.ChargeUsage(company=COMPANY, usage=Usage(action="chat"))
    declined = [meter.engine.execute(charge).reply for _ in range(4)][-1]
    assert isinstance(declined, Declined)
    assert [way.id for way in declined.ways_out if way.kind == "plan"] == ["midi", "textual"]
    meter.clock.now = ms("2026-04-02T09:00")
    assert meter.engine.execute(c.ChangePlan(company=COMPANY, plan="maximal")).reply
    meter.close()


def test_defect_16_a_ledger_agrees_though_the_clock_stepped_back_before_a_catalogue_was_loaded():
    meter = Meter(open_store("sqlite:///:memory:"), SMALL)
    meter.clock.now = ms("2026-03-10T09:00")
    meter.store.enter_sandbox()
    meter.store.set_clock(meter.clock.now - HOUR)
    meter.engine.execute(c.PutCompany(company=COMPANY, name="Acme", plan="mini", time_zone="UTC"))
    newer = SMALL.replace("2026-01-01", "2026-02-01").replace("allowance = 3\n", "allowance = 30\n")
    assert offer_catalogue(meter.store, parse(newer), newer).is_new
    charged = meter.engine.execute(c.ChargeUsage(company=COMPANY, usage=Usage(action="chat"))).reply
    assert isinstance(charged, Charge)
    assert charged.available == 29
    assert verify(meter.store) == []
    meter.close()
