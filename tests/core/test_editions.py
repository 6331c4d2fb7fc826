"""Catalogue versions: each entry keeps the one that priced it, and a capture keeps its hold's."""

import re

from kvota.core import commands as c
from kvota.core.catalogue import Book
from tests.core.ledger import COMPANY, DAY, HOUR, SMALL, Ledger, edition
from tests.core.words import capture, charge, hold, ms

NOW = ms("2026-03-10T09:00")


def two_editions(changed: str) -> Book:
    """The small catalogue, and from an hour later on a changed one."""
    return Book([edition(SMALL), edition(changed, NOW + HOUR, "2026-02-01")])


def test_a_capture_is_priced_by_the_version_of_its_hold_and_a_charge_by_the_one_in_force():
    dearer = SMALL.replace("stages = { transcription = 2, summary = 1", "stages = { transcription = 2, summary = 2")
    assert dearer != SMALL
    acme = Ledger(two_editions(dearer), at=NOW, plan="maxi", allowance_override=100)
    opened = hold(acme, NOW, "processing")
    captured = capture(acme, NOW + HOUR, opened.id)
    assert (captured.cost, captured.catalogue) == (opened.held, "2026-01-01")
    charged = charge(acme, NOW + HOUR, "processing")
    assert (charged.cost, charged.catalogue) == (opened.held + 1, "2026-02-01")


def test_an_action_that_a_new_version_drops_can_still_be_captured_and_refunded():
    dropped = re.sub(r"\[actions\.site\]\n(?:.+\n)+", "", SMALL)
    assert dropped != SMALL
    acme = Ledger(two_editions(dropped), at=NOW, plan="maxi", allowance_override=100)
    opened = hold(acme, NOW, "site")
    captured = capture(acme, NOW + HOUR, opened.id, images=1)
    assert captured.charge is not None
    refund = acme.do(c.RefundCharge(company=COMPANY, charge=captured.charge), NOW + 2 * HOUR)
    assert getattr(refund, "amount", None) == captured.cost


def test_what_a_hold_gives_back_at_the_end_of_its_period_is_lost_also_when_nobody_came_for_months():
    end = ms("2026-04-01T00:00")
    acme = Ledger(Book([edition(SMALL)]), at=end - HOUR, plan="maxi")
    opened = hold(acme, end - HOUR, "chat", ttl=3600)
    charge(acme, end + 70 * DAY, "chat")
    expired = next(written.entry for written in acme.entries if written.entry.kind == "hold_expired")
    assert expired.at == end
    assert (expired.fact.back, expired.fact.lost) == ((), opened.draws)
