"""What operators did: each act is noted once, with who did it, and nothing that is none."""

import pytest

from kvota import Kvota, acts
from kvota.core import commands
from tests.acceptance.servers import serving
from tests.api.harness import CATALOGUE

ACME = "/v1/companies/acme"
ACTS = "/v1/acts"


def noted(api, query=""):
    return [(one["act"], one["told"]) for one in api.get(f"{ACTS}{query}").json["items"]]


def test_what_an_operator_does_to_a_company_is_told_newest_first(api):
    before = len(noted(api))
    api.post(f"{ACME}/adjustments", {"amount": 3, "reason": "wrong charge"})
    api.post(f"{ACME}/suspend", {"reason": "unpaid"})
    api.post(f"{ACME}/resume", {})
    api.call("PATCH", ACME, {"allowance_override": 9})
    api.post(f"{ACME}/plan-changes", {"plan": "large"})
    api.put(f"{ACME}/caps/sales", {"scope": {"department": "sales"}, "requests": 7, "per": "day"})
    api.put(f"{ACME}/users/ann", {"name": "Ann Secret"})
    api.delete(f"{ACME}/users/ann")
    found = noted(api, "?limit=1000")[: -before or None]
    assert found == [
        ("erase_user", {"user": "ann"}),
        ("put_user", {"user": "ann"}),
        ("set_cap", {"cap": "sales", "scope": "department", "name": "sales", "requests": 7, "per": "day"}),
        ("change_plan", {"plan": "large", "effective": "now"}),
        ("put_company", {"allowance_override": 9}),
        ("resume", {}),
        ("suspend", {"reason": "unpaid"}),
        ("adjust", {"amount": 3, "reason": "wrong charge"}),
    ]
    first = api.get(f"{ACTS}?limit=1").json["items"][0]
    assert first["company"] == "acme"
    assert first["by"].startswith("key_")


def test_money_is_told_with_its_order_and_its_charge(api):
    boost = next(iter(api.get("/v1/catalogue").json["boosts"]))
    order = api.post(f"{ACME}/orders", {"boost": boost}, as_="admin").json["id"]
    charge = api.post(f"{ACME}/charges", {"action": "chat_question"}).json["id"]
    api.post(f"{ACME}/orders/{order}/confirm", {"reference": "invoice 7"})
    api.post(f"{ACME}/orders/{order}/confirm", {"reference": "invoice 7"})
    api.post(f"{ACME}/charges/{charge}/refund", {"reason": "failed"})
    api.post(f"{ACME}/charges/{charge}/refund", {"reason": "failed"})
    granted = api.post(f"{ACME}/boosts", {"amount": 5, "expires_at": "2027-01-01T00:00:00Z"}).json["id"]
    api.delete(f"{ACME}/boosts/{granted}")
    assert [one for one in noted(api) if one[0] not in ("put_company", "make_key")] == [
        ("revoke_boost", {"boost": granted}),
        ("add_boost", {"amount": 5, "expires_at": 1_798_761_600_000}),
        ("refund", {"charge": charge, "reason": "failed"}),
        ("confirm_order", {"order": order, "reference": "invoice 7"}),
    ]


def test_keys_and_catalogues_are_told_without_a_secret(api):
    made = api.post(f"{ACME}/keys", {"role": "app", "label": "crm"}).json
    api.delete(f"{ACME}/keys/{made['id']}")
    newer = CATALOGUE.read_text().replace('version = "2026-01-01"', 'version = "2099-01-01"')
    loaded = api.call("POST", "/v1/catalogues", raw=newer.encode(), headers={"Content-Type": "application/toml"})
    assert loaded.status == 201, loaded
    found = api.get(ACTS)
    assert [(one["act"], one["told"], one["company"]) for one in found.json["items"]][:3] == [
        ("load_catalogue", {"version": "2099-01-01"}, None),
        ("revoke_key", {"key": made["id"]}, "acme"),
        ("make_key", {"key": made["id"], "role": "app", "label": "crm"}, "acme"),
    ]
    assert made["key"].encode() not in found.content


def test_what_wrote_nothing_and_what_others_or_meters_do_is_no_act(api):
    before = api.get(f"{ACTS}?limit=1000").json
    api.post(f"{ACME}/plan-changes", {"plan": "large", "dry_run": True})
    api.post(f"{ACME}/resume", {})
    api.delete(f"{ACME}/caps/nothing")
    api.delete(f"{ACME}/keys/key_nothing")
    api.delete(f"{ACME}/users/nobody")
    api.post(f"{ACME}/adjustments", {"amount": 0, "reason": "none"})
    api.post(f"{ACME}/charges", {"action": "chat_question"})
    hold = api.post(f"{ACME}/holds", {"action": "chat_question"}).json["id"]
    api.post(f"{ACME}/holds/{hold}/capture", {})
    api.put(f"{ACME}/caps/own", {"scope": {"user": "ivan"}, "requests": 7, "per": "day"}, as_="admin")
    api.put(f"{ACME}/users/ann", {}, as_="admin")
    api.post(f"{ACME}/keys", {"role": "app"}, as_="admin")
    assert api.get(f"{ACTS}?limit=1000").json == before


def test_a_company_has_a_list_of_its_own_and_pages_go_on(api):
    api.make_company("beta")
    api.post("/v1/companies/beta/suspend", {})
    api.post(f"{ACME}/suspend", {})
    assert {one["company"] for one in api.get(f"{ACTS}?company=beta").json["items"]} == {"beta"}
    seen, after = [], ""
    while after is not None:
        page = api.get(f"{ACTS}?limit=2&after={after}").json
        seen += [one["id"] for one in page["items"]]
        after = page["next"]
    assert seen == sorted(set(seen), reverse=True)
    assert seen == [one["id"] for one in api.get(f"{ACTS}?limit=1000").json["items"]]


def test_a_granted_appeal_of_an_operator_is_an_act_and_an_administrators_is_none(api):
    for as_, count in (("admin", 0), ("operator", 1)):
        appeal = api.post(f"{ACME}/appeals", {"user": "ivan"}).json["id"]
        api.post(f"{ACME}/appeals/{appeal}/grant", {"cap_change": {"requests": 5 + count}}, as_=as_)
        assert [name for name, _ in noted(api)].count("set_cap") == count


def test_who_has_the_store_itself_is_noted_without_a_name(api):
    kvota = Kvota(api.meter)
    kvota.suspend("acme", reason="by hand")
    newest = next(iter(kvota.acts(company="acme")))
    assert (newest.by, newest.act, newest.told) == ("", "suspend", {"reason": "by hand"})


@pytest.mark.parametrize("command", commands.Command.__subclasses__(), ids=lambda kind: kind.__name__)
def test_every_command_that_is_no_metering_is_an_act(command):
    metering = {
        commands.UseAssistant, commands.CaptureHold, commands.VoidHold, commands.MeasureCharge,
    }  # fmt: skip
    fields = {name: None for name in command.__struct_fields__ if name != "company"}
    assert acts.is_act(command(company="acme", **fields)) == (command not in metering)


def test_a_server_whose_engine_runs_in_a_process_of_its_own_notes_the_same(sqlite_url, tmp_path):
    with serving(sqlite_url, tmp_path) as server:
        server.call("PUT", ACME, {"name": "Acme", "plan": "large", "time_zone": "UTC"})
        server.call("POST", f"{ACME}/suspend", {"reason": "unpaid"})
        server.call("POST", f"{ACME}/charges", {"action": "chat_question"})
        acts = server.call("GET", ACTS).body["items"]
    assert [(one["act"], one["company"]) for one in acts] == [("suspend", "acme"), ("put_company", "acme")]
    assert acts[0]["told"] == {"reason": "unpaid"}
    assert acts[0]["by"].startswith("key_")
