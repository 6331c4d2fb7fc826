"""The library and both clients are one thing: the same calls, the same values back, the same exceptions."""

import csv
import datetime as dt
import io
import itertools
import re
import zipfile
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from kvota import Declined, Kvota
from kvota import errors as e
from kvota.client import CaptureOperation, ChargeOperation, Client, HoldOperation, VoidOperation
from kvota.core.periods import Instant
from kvota.wire.fields import enc_hook
from tests.acceptance.servers import CATALOGUE
from tests.client.awaited import Awaited
from tests.client.conftest import NOON

_numbers = itertools.count(1)
MARCH = (dt.date(2026, 3, 1), dt.date(2026, 4, 1))


class Conformance:
    """``door`` is what a subclass tests; ``acme`` a company of the test's own with 10 requests a month."""

    @pytest.fixture
    def acme(self, door) -> str:
        name = f"acme-{next(_numbers)}"
        door.put_company(name, name="Acme", plan="tiny", time_zone="Europe/Moscow")
        return name

    def test_a_charge_says_what_it_cost_who_paid_and_what_is_left(self, door, acme):
        charge = door.charge(acme, "crm_call_processing", user="ivan", subject="call:1", measures={"tokens": 7})
        assert (charge.cost, charge.paid_by.allowance, charge.available, charge.at) == (3, 3, 7, NOON)
        assert isinstance(charge.at, Instant)
        assert door.get_charge(acme, charge.id) == charge
        assert door.measure(acme, charge.id, {"tokens": 5}) == charge
        (entry,) = door.entries(acme, kind="measured")
        assert entry.measures == {"tokens": 5}

    def test_the_same_key_gives_the_first_reply_again(self, door, acme):
        first = door.charge(acme, "chat_question", user="ann", key="k")
        door.charge(acme, "chat_question")
        assert door.charge(acme, "chat_question", user="ann", key="k") == first
        assert door.balance(acme).available == 8
        for wrong in ({"action": "feed_text"}, {"action": "no_such_action"}, {"action": "site_creation"}):
            with pytest.raises(e.KeyReused):
                door.charge(acme, **wrong, key="k")

    def test_every_write_can_be_repeated_with_its_key(self, door, acme):
        def twice(ask: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
            first = ask(acme, *arguments, **more, key=f"key-{next(_numbers)}")
            key = f"key-{next(_numbers)}"
            one, other = (ask(acme, *arguments, **more, key=key) for _ in range(2))
            assert one == other
            return first

        charge = twice(door.charge, "chat_question")
        twice(door.refund, charge.id)
        twice(door.measure, charge.id, {"tokens": 1})
        hold = twice(door.hold, "site_block_update", quantities={"images": 1})
        twice(door.capture, hold.id)
        twice(door.void, door.hold(acme, "chat_question").id)
        twice(door.add_boost, "boost_20")
        twice(door.confirm_order, twice(door.place_order, "boost_20").id, reference="invoice 1")
        twice(door.drop_order, door.place_order(acme, "boost_20").id)
        twice(door.adjust, 1, reason="test")
        twice(door.change_plan, "small")
        twice(door.suspend, reason="unpaid")
        twice(door.resume)

    def test_a_decline_is_a_value_that_tells_the_ways_out(self, door, acme):
        quote = door.quote(acme, "site_creation", quantities={"images": 30})
        declined = door.charge(acme, "site_creation", quantities={"images": 30}, key="k")
        assert isinstance(declined, Declined)
        assert quote.approved is False
        assert quote.decline == declined
        assert (declined.reason, declined.cost, declined.short_by) == ("insufficient_requests", 25, 15)
        assert str(declined.renews_at) == "2026-03-31T21:00:00.000Z"
        assert ("boost", "boost_200", 99000) in [
            (way.kind, way.id, way.price and way.price.amount) for way in declined.ways_out
        ]
        door.add_boost(acme, amount=20, expires_at=NOON + dt.timedelta(days=1))
        assert door.charge(acme, "site_creation", quantities={"images": 30}, key="k").cost == 25

    def test_each_reason_to_decline_comes_back_as_a_value(self, door, acme):
        def reason(**usage: Any) -> str:
            return door.charge(acme, **{"action": "chat_question", **usage}).reason

        door.set_cap(acme, "ann", scope={"user": "ann"}, requests=0, per="day")
        assert reason(user="ann") == "cap_reached"
        door.put_company(acme, plan="textual", require_user=True, tools_off=["mail"])
        assert reason(action="sales_script", user="bob") == "action_not_in_plan"
        assert reason(action="mail_text", user="bob") == "tool_disabled"
        assert reason() == "user_required"
        door.suspend(acme, reason="unpaid")
        assert reason(user="bob") == "company_suspended"

    def test_a_full_hour_is_a_decline_too(self, door, acme):
        door.put_company(acme, plan="large")
        for _ in range(2):
            door.batch([ChargeOperation(company=acme, action="chat_question")] * 300)
        declined = door.charge(acme, "chat_question")
        assert (declined.reason, declined.retry_at) == ("hourly_limit", NOON + dt.timedelta(hours=1))

    def test_a_quote_shows_what_would_pay_and_changes_nothing(self, door, acme):
        quote = door.quote(acme, "site_block_update", quantities={"images": 3}, user="ann")
        assert (quote.approved, quote.cost, quote.paid_by.allowance) == (True, 4, 4)
        assert [(part.part, part.quantity or None, part.cost) for part in quote.breakdown] == [
            ("base", None, 1), ("images", 3, 3),
        ]  # fmt: skip
        assert quote.balance == door.balance(acme)

    def test_a_hold_is_captured_or_voided_once(self, door, acme):
        hold = door.hold(acme, "site_block_update", quantities={"images": 4}, ttl=60)
        assert (hold.status, hold.expires_at) == ("open", NOON + dt.timedelta(minutes=1))
        assert [one.id for one in door.holds(acme, "open")] == [hold.id]
        captured = door.capture(acme, hold.id, quantities={"images": 1}, measures={"tokens": 9})
        assert (captured.cost, captured.returned, captured.status) == (2, 3, "captured")
        assert door.capture(acme, hold.id, quantities={"images": 1}) == captured
        with pytest.raises(e.HoldClosed, match="captured at 2026-03-10T12:00:00"):
            door.void(acme, hold.id)
        other = door.hold(acme, "chat_question")
        assert door.void(acme, other.id).status == "void"
        assert door.get_hold(acme, other.id).returned == 1
        assert [one.status for one in door.holds(acme)] == ["captured", "void"]
        refund = door.refund(acme, captured.charge, reason="wrong page")
        assert (refund.amount, refund.lost, refund.returned_to.allowance) == (2, 0, 2)

    def test_a_capture_that_costs_too_much_is_declined_and_the_hold_stays_open(self, door, acme):
        hold = door.hold(acme, "site_block_update", quantities={"images": 1})
        declined = door.capture(acme, hold.id, quantities={"images": 30})
        assert isinstance(declined, Declined)
        assert (declined.cost, declined.short_by) == (31, 21)
        captured = door.capture(acme, hold.id, quantities={"images": 30}, at_most_held=True)
        assert (captured.cost, captured.written_off) == (2, 29)

    def test_a_batch_returns_for_each_what_it_alone_would_have(self, door, acme):
        hold = door.hold(acme, "chat_question")
        charged, held, captured, declined, closed, unknown = door.batch(
            [
                ChargeOperation(company=acme, action="chat_question", user="ann", key="b"),
                HoldOperation(company=acme, action="site_block_update", quantities={"images": 1}, ttl=60),
                CaptureOperation(company=acme, hold=hold.id),
                ChargeOperation(company=acme, action="site_creation", quantities={"images": 30}),
                VoidOperation(company=acme, hold=hold.id),
                ChargeOperation(company=acme, action="nonsense"),
            ]
        )
        assert charged == door.charge(acme, "chat_question", user="ann", key="b")
        assert (held.status, captured.status, declined.reason) == ("open", "captured", "insufficient_requests")
        assert isinstance(closed, e.HoldClosed)
        assert isinstance(unknown, e.UnknownAction)

    def test_boosts_are_credited_shown_and_revoked(self, door, acme):
        boost = door.add_boost(acme, amount=5, expires_at=NOON + dt.timedelta(days=3), reason="gift")
        assert door.boosts(acme) == [boost]
        door.revoke_boost(acme, boost.id)
        door.revoke_boost(acme, boost.id)
        assert door.boosts(acme) == []
        with pytest.raises(e.NotFound) as none:
            door.revoke_boost(acme, "bst_0000000099")
        assert (none.value.code, none.value.what, none.value.name) == ("not_found", "live boost", "bst_0000000099")

    def test_an_order_is_paid_once_or_dropped(self, door, acme):
        order = door.place_order(acme, "boost_200")
        assert (order.status, order.amount, order.price.amount) == ("pending", 200, 99000)
        paid = door.confirm_order(acme, order.id, reference="invoice 7")
        assert (paid.status, paid.credited.amount) == ("paid", 200)
        assert door.confirm_order(acme, order.id, reference="again") == paid
        with pytest.raises(e.OrderClosed):
            door.drop_order(acme, order.id)
        other = door.drop_order(acme, door.place_order(acme, "boost_20").id)
        assert list(door.orders(acme)) == [paid, other]

    def test_a_plan_changes_now_or_with_the_period_or_only_to_look(self, door, acme):
        shown = door.change_plan(acme, "large", dry_run=True)
        assert (shown.from_plan, shown.to_plan, shown.after.available) == ("tiny", "large", 1000)
        assert door.balance(acme).plan == "tiny"
        assert door.change_plan(acme, "small", effective="next_period").effective_at == shown.before.renews_at
        assert door.balance(acme).scheduled_plan == "small"
        door.drop_scheduled_plan(acme)
        with pytest.raises(e.NotFound) as none:
            door.drop_scheduled_plan(acme)
        assert (none.value.code, none.value.what) == ("not_found", "scheduled plan change")
        assert door.change_plan(acme, "small").after == door.balance(acme)

    def test_caps_are_set_changed_listed_and_removed(self, door, acme):
        first = door.set_cap(acme, "each", scope={"users": "each"}, requests=5, per="week")
        door.set_cap(acme, "crm", scope={"tool": "crm"}, requests=3, per="day", until=NOON + dt.timedelta(days=1))
        assert [cap.id for cap in door.caps(acme)] == ["crm", "each"]
        assert door.set_cap(acme, "each", scope={"users": "each"}, requests=6, per="week").requests == 6
        assert (first.scope.users, first.until) == ("each", None)
        door.remove_cap(acme, "crm")
        assert [cap.id for cap in door.caps(acme)] == ["each"]

    def test_a_company_is_made_changed_cleared_listed_suspended_and_resumed(self, door, acme):
        made = door.company(acme)
        assert (made.plan, made.time_zone, made.allowance_override) == ("tiny", "Europe/Moscow", None)
        assert door.put_company(acme, allowance_override=7, tools_off=["mail"]).allowance_override == 7
        changed = door.patch_company(acme, name="New name", allowance_override=None, tools_off=None)
        assert (changed.name, changed.allowance_override, changed.tools_off) == ("New name", None, [])
        assert changed in list(door.companies())
        assert door.suspend(acme, reason="unpaid") == door.balance(acme)
        assert door.company(acme).suspended
        assert door.resume(acme).available == 10
        assert door.adjust(acme, 4, reason="by hand").allowance.used == 4

    def test_keys_are_made_listed_and_revoked(self, door, acme):
        made = door.make_key(acme, "app", label="bot", actions=["chat_question"])
        assert made.key.startswith("kv_")
        (listed,) = door.keys(acme)
        assert (listed.id, listed.role, listed.label, listed.actions) == (made.id, "app", "bot", ["chat_question"])
        door.revoke_key(acme, made.id)
        assert list(door.keys(acme)) == []
        with pytest.raises(e.Invalid) as wrong:
            door.make_key(acme, "member")
        assert wrong.value.errors[0].field == "user"

    def test_people_are_added_changed_cleared_listed_and_erased(self, door, acme):
        ann = door.put_user(acme, "ann", name="Ann", email="ann@example.com", department="sales")
        assert door.put_user(acme, "ann", email=None).email is None
        assert door.get_user(acme, "ann").name == ann.name == "Ann"
        assert door.charge(acme, "chat_question", user="ann").department == "sales"
        door.put_user(acme, "bob")
        assert [person.id for person in door.users(acme)] == ["ann", "bob"]
        door.erase_user(acme, "ann")
        with pytest.raises(e.NotFound) as gone:
            door.get_user(acme, "ann")
        assert (gone.value.code, gone.value.what, gone.value.name) == ("not_found", "user", "ann")
        with pytest.raises(e.Invalid):
            door.put_user(acme, "two words")

    def test_usage_and_entries_tell_who_spent_what(self, door, acme):
        door.charge(acme, "chat_question", user="ann")
        door.charge(acme, "feed_text", user="bob", department="sales")
        report = door.usage(acme, *MARCH, by=["user", "tool"])
        assert [(row.user, row.tool, row.requests) for row in report.rows] == [("ann", "chat", 1), ("bob", "feed", 1)]
        assert door.usage(acme, *MARCH).total.calls == 2
        assert door.usage(acme, *MARCH, by=["hour"]).rows[0].hour == NOON
        assert [entry.kind for entry in door.entries(acme)] == ["company_created", "charged", "charged"]
        assert [entry.action for entry in door.entries(acme, user="bob")] == ["feed_text"]
        assert list(door.entries(acme, start=NOON + dt.timedelta(seconds=1))) == []
        assert len(list(door.entries(acme, start=dt.date(2026, 3, 10), end=dt.date(2026, 3, 11)))) == 3

    def test_lists_go_on_to_their_last_page(self, door, acme):
        door.put_company(acme, plan="large")
        for size in (1000, 100):
            door.batch([ChargeOperation(company=acme, action="follow_up", quantities={"participants": 4})] * size)
        entries = list(door.entries(acme, kind="charged"))
        assert len(entries) == 600
        assert len({entry.seq for entry in entries}) == 600
        assert sum(1 for _ in door.entries(acme)) == 602

    def test_a_ledger_is_saved_as_a_file(self, door, acme):
        door.put_company(acme, plan="large")
        door.batch([ChargeOperation(company=acme, action="chat_question")] * 500)
        door.batch([ChargeOperation(company=acme, action="mail_text", user="olga")] * 50)
        text, book = io.BytesIO(), io.BytesIO()
        assert door.entries_csv(acme, text) is None
        assert door.entries_xlsx(acme, book) is None
        lines = list(csv.DictReader(io.StringIO(text.getvalue().decode("utf-8-sig"), newline="")))
        assert [(line["seq"], line["kind"], line["hash"]) for line in lines] == [
            (str(entry.seq), entry.kind, entry.hash) for entry in door.entries(acme)
        ]
        with zipfile.ZipFile(book) as workbook:
            assert workbook.read("xl/worksheets/sheet1.xml").count(b"<row ") == 1 + len(lines)
        choices: list[tuple[dict[str, Any], int]] = [
            ({"user": "olga"}, 50),
            ({"kind": "charged", "action": "chat_question"}, 500),
            ({"start": NOON + dt.timedelta(seconds=1)}, 0),
            ({"start": dt.date(2026, 3, 10), "end": dt.date(2026, 3, 11)}, len(lines)),
        ]
        for which, count in choices:
            chosen = io.BytesIO()
            door.entries_csv(acme, chosen, **which)
            assert chosen.getvalue().count(b"\r\n") == 1 + count, which

    def test_a_file_that_cannot_be_made_is_an_exception_and_stays_empty(self, door, acme):
        file = io.BytesIO()
        for save in (door.entries_csv, door.entries_xlsx):
            with pytest.raises(e.NotFound) as none:
                save("nobody", file)
            assert none.value.code == "company_not_found"
            with pytest.raises(e.Invalid):
                save(acme, file, kind="nonsense")
        assert file.getvalue() == b""

    def test_the_catalogue_and_the_clock_can_be_read(self, door):
        catalogue = door.catalogue()
        assert (catalogue.id, catalogue.actions["site_creation"].max) == ("cases", 25)
        assert door.clock() == door.set_clock(NOON) == NOON

    def test_a_catalogue_is_tried_out_and_a_wrong_one_refused(self, door):
        text = CATALOGUE.read_text().replace('version = "2026-01-01"', 'version = "2026-02-01"', 1)
        cheaper = text.replace("allowance = 10\n", "allowance = 11\n", 1)
        offered = door.load_catalogue(cheaper, dry_run=True)
        assert [(one.section, one.entry, one.before, one.after) for one in offered.changes] == [
            ("catalogue", None, "2026-01-01", "2026-02-01"), ("plans", "tiny", 10, 11),
        ]  # fmt: skip
        assert (offered.last_month.items, offered.last_month.next) == ([], None)  # nobody was there in February
        assert door.load_catalogue(CATALOGUE.read_text()).changes == []
        (edition,) = door.catalogues()
        assert (edition.version, edition.in_force) == ("2026-01-01", True)
        with pytest.raises(e.CallerError) as wrong:
            door.load_catalogue("[catalogue")
        assert wrong.value.code == "invalid"

    @pytest.mark.parametrize(
        ("error", "given"),
        [
            (e.UnknownAction, {"action": "no_such"}),
            (e.QuantityMissing, {"action": "site_creation"}),
            (e.Invalid, {"action": "chat_question", "user": "two words"}),
            (e.Invalid, {"action": "chat_question", "quantities": {"images": 1.5}}),
            (e.Invalid, {"action": "chat_question", "key": ""}),
            (e.Invalid, {"action": "chat_question", "key": "ключ"}),
        ],
    )
    def test_what_the_caller_does_wrong_is_an_exception_that_names_it(self, door, acme, error, given):
        with pytest.raises(error) as raised:
            door.charge(acme, **given)
        assert type(raised.value) is error
        assert raised.value.errors
        assert door.balance(acme).available == 10

    def test_what_is_not_there_is_not_found(self, door, acme):
        for code, ask in {
            "company_not_found": lambda: door.balance("nobody"),
            "hold_not_found": lambda: door.capture(acme, "hld_0000000099"),
            "charge_not_found": lambda: door.refund(acme, "chg_0000000099"),
            "not_found": lambda: door.remove_cap(acme, "none"),
        }.items():
            with pytest.raises(e.NotFound) as raised:
                ask()
            assert raised.value.code == code
        for ask in (lambda: door.balance("two words"), lambda: door.balance(""), lambda: list(door.entries("?"))):
            with pytest.raises(e.NotFound):
                ask()

    def test_unknown_plans_and_boosts_naive_and_finer_instants_are_refused(self, door, acme):
        with pytest.raises(e.UnknownPlan):
            door.change_plan(acme, "no such plan")
        with pytest.raises(e.UnknownBoost):
            door.add_boost(acme, "no such boost")
        with pytest.raises(e.Invalid):
            door.put_company("two words", name="Two", plan="tiny", time_zone="UTC")
        for moment in (NOON.replace(tzinfo=None), NOON + dt.timedelta(days=1, microseconds=1)):
            with pytest.raises(e.Invalid):
                door.add_boost(acme, amount=1, expires_at=moment)
        assert door.boosts(acme) == []


class TestLibrary(Conformance):
    @pytest.fixture
    def door(self, embedded: Kvota) -> Kvota:
        return embedded


class TestClient(Conformance):
    @pytest.fixture
    def door(self, client: Client) -> Client:
        return client


class TestAsyncClient(Conformance):
    @pytest.fixture
    def door(self, async_client: Awaited) -> Awaited:
        return async_client


def told(door: Any, company: str) -> list[str]:
    """What a short history answers, as JSON; the company by another name, and the hashes, which depend on it, left."""
    values = [
        door.put_company(company, name="Acme", plan="small", time_zone="Asia/Tokyo"),
        door.charge(company, "crm_call_processing", subject="call:1", user="ann", key="one"),
        door.hold(company, "site_creation", department="sales", key="two"),
        door.add_boost(company, "boost_20", key="three"),
        door.place_order(company, "boost_200", key="four"),
        door.set_cap(company, "crm", scope={"tool": "crm"}, requests=4, per="month"),
        door.charge(company, "crm_call_complete", user="bob", key="five"),
        door.quote(company, "site_creation", quantities={"images": 500}),
        door.change_plan(company, "large", dry_run=True),
        door.balance(company),
        door.usage(company, *MARCH, by=["day", "tool", "user", "department"]),
        list(door.entries(company)),
        list(door.orders(company)),
    ]
    text = msgspec.json.encode(values, enc_hook=enc_hook).decode().replace(company, "acme")
    return re.sub(r'"hash":"\w+"|"by":("key_\w+"|null)', "", text).split(",")


def test_the_same_history_answers_the_same_to_the_last_field(embedded, client, async_client):
    library = told(embedded, "same-1")
    assert told(client, "same-2") == library
    assert told(async_client, "same-3") == library
