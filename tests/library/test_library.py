"""The library: the same words and the same rules as over HTTP, without a server."""

import datetime as dt
from collections.abc import Iterator

import pytest

from kvota import Declined, Kvota
from kvota.core.periods import Instant
from kvota.errors import HoldClosed, Invalid, KeyReused, NotFound, QuantityMissing, UnknownAction
from tests.acceptance.servers import CATALOGUE
from tests.api.harness import Api

NOON = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)


@pytest.fixture
def kvota(store_url: str) -> Iterator[Kvota]:
    with Kvota.open(store_url, catalogue=str(CATALOGUE), sandbox=True) as opened:
        opened.set_clock(NOON)
        opened.put_company("acme", name="Acme", plan="tiny", time_zone="Europe/Moscow")
        yield opened


def test_a_charge_says_what_it_cost_who_paid_and_what_is_left(kvota: Kvota):
    charge = kvota.charge("acme", "crm_call_processing", user="ivan", subject="call:1", key="k")
    assert not isinstance(charge, Declined)
    assert (charge.cost, charge.paid_by.allowance, charge.available, charge.at) == (3, 3, 7, NOON)
    assert kvota.charge("acme", "crm_call_processing", user="ivan", subject="call:1", key="k") == charge
    assert kvota.get_charge("acme", charge.id) == charge
    with pytest.raises(KeyReused):
        kvota.charge("acme", "chat_question", key="k")


def test_a_decline_is_a_value_that_tells_the_ways_out(kvota: Kvota):
    quote = kvota.quote("acme", "site_creation", quantities={"images": 30})
    declined = kvota.charge("acme", "site_creation", quantities={"images": 30})
    assert isinstance(declined, Declined)
    assert quote.decline == declined
    assert (declined.reason, declined.short_by) == ("insufficient_requests", 15)
    assert isinstance(declined.renews_at, Instant)
    assert str(declined.renews_at) == "2026-03-31T21:00:00.000Z"
    assert [(way.kind, way.id) for way in declined.ways_out] == [
        ("boost", "boost_200"), ("plan", "small"), ("plan", "large"), ("boost", "boost_20"),
    ]  # fmt: skip


def test_a_hold_is_captured_or_voided_once(kvota: Kvota):
    hold = kvota.hold("acme", "site_block_update", quantities={"images": 4}, ttl=60)
    assert not isinstance(hold, Declined)
    captured = kvota.capture("acme", hold.id, quantities={"images": 1})
    assert (captured.cost, captured.returned) == (2, 3)
    with pytest.raises(HoldClosed, match="captured at 2026-03-10T12:00:00"):
        kvota.void("acme", hold.id)
    other = kvota.hold("acme", "chat_question")
    assert kvota.void("acme", other.id).status == "void"
    assert kvota.get_hold("acme", other.id).returned == 1
    refund = kvota.refund("acme", captured.charge, reason="wrong page")
    assert (refund.amount, refund.lost) == (2, 0)
    assert kvota.balance("acme").available == 10


def test_a_capture_that_costs_more_than_there_is_is_declined_and_the_hold_stays_open(kvota: Kvota):
    hold = kvota.hold("acme", "site_block_update", quantities={"images": 1})
    declined = kvota.capture("acme", hold.id, quantities={"images": 30})
    assert isinstance(declined, Declined)
    assert (declined.cost, declined.short_by) == (31, 21)
    assert kvota.get_hold("acme", hold.id).status == "open"
    captured = kvota.capture("acme", hold.id, quantities={"images": 30}, at_most_held=True)
    assert (captured.cost, captured.written_off) == (2, 29)


def test_plans_boosts_and_caps_are_managed_with_the_same_words(kvota: Kvota):
    boost = kvota.add_boost("acme", amount=5, expires_at=NOON + dt.timedelta(days=3), key="gift")
    assert [one.id for one in kvota.boosts("acme")] == [boost.id]
    kvota.revoke_boost("acme", boost.id)
    assert kvota.boosts("acme") == []
    assert kvota.change_plan("acme", "large", dry_run=True).after.available == 1000
    assert kvota.change_plan("acme", "small", effective="next_period").to_plan == "small"
    kvota.drop_scheduled_plan("acme")
    assert kvota.balance("acme").scheduled_plan is None
    kvota.set_cap("acme", "ann", scope={"user": "ann"}, requests=1, per="day")
    assert not isinstance(kvota.charge("acme", "chat_question", user="ann"), Declined)
    assert kvota.charge("acme", "chat_question", user="ann").cap == "ann"
    kvota.remove_cap("acme", "ann")
    kvota.suspend("acme", reason="unpaid")
    assert kvota.charge("acme", "chat_question").reason == "company_suspended"
    kvota.resume("acme")
    assert kvota.company("acme").suspended is False


def test_usage_and_entries_tell_who_spent_what(kvota: Kvota):
    kvota.charge("acme", "chat_question", user="ann")
    kvota.charge("acme", "feed_text", user="bob")
    report = kvota.usage("acme", dt.date(2026, 3, 1), dt.date(2026, 4, 1), ["user", "tool"])
    assert [(row.user, row.tool, row.requests) for row in report.rows] == [("ann", "chat", 1), ("bob", "feed", 1)]
    assert [entry.kind for entry in kvota.entries("acme")] == ["company_created", "charged", "charged"]
    assert [entry.action for entry in kvota.entries("acme", user="bob")] == ["feed_text"]


@pytest.mark.parametrize(
    ("error", "given"),
    [
        (UnknownAction, {"action": "no_such"}),
        (QuantityMissing, {"action": "site_creation"}),
        (Invalid, {"action": "chat_question", "user": "two words"}),
        (Invalid, {"action": "chat_question", "quantities": {"images": 1.5}}),
        (Invalid, {"action": "chat_question", "key": ""}),
    ],
)
def test_what_the_caller_does_wrong_is_an_exception_that_names_it(kvota: Kvota, error, given):
    with pytest.raises(error):
        kvota.charge("acme", **given)
    assert kvota.balance("acme").available == 10


def test_a_company_that_is_not_there_is_not_found(kvota: Kvota):
    with pytest.raises(NotFound, match="'nobody'"):
        kvota.balance("nobody")
    with pytest.raises(NotFound, match="'two words'"):
        kvota.balance("two words")
    with pytest.raises(Invalid, match="company"):
        kvota.put_company("two words", name="Two words", plan="tiny", time_zone="UTC")


def test_naive_and_finer_instants_are_refused(kvota: Kvota):
    for moment in (NOON.replace(tzinfo=None), NOON + dt.timedelta(days=1, microseconds=1)):
        with pytest.raises(Invalid):
            kvota.add_boost("acme", amount=1, expires_at=moment)


def test_a_key_used_over_http_is_known_to_the_library():
    """Both doors take the same request for the same."""
    api = Api()
    api.make_company("acme")
    first = api.post("/v1/companies/acme/charges", {"action": "chat_question", "user": "ann"}, key="shared").json
    again = Kvota(api.meter).charge("acme", "chat_question", user="ann", key="shared")
    assert first["id"] == again.id
    api.close()
