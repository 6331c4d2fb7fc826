"""Suspending, adjusting, revoking, and keys that are bound to actions: what the contract says of each."""

import pytest

ACME = "/v1/companies/acme"


def kinds(api) -> list[str]:
    return [one["kind"] for one in api.get(f"{ACME}/entries").json["items"]]


def test_a_suspended_company_is_declined_and_closes_what_is_open(api):
    holds = [api.post(f"{ACME}/holds", {"action": "site", "quantities": {"images": 1}}).json["id"] for _ in range(2)]
    suspended = api.post(f"{ACME}/suspend", {"reason": "unpaid"})
    assert (suspended.status, suspended.json["available"]) == (200, 0)
    for call in ("charges", "holds"):
        declined = api.post(f"{ACME}/{call}", {"action": "chat_question"})
        assert (declined.status, declined.code) == (403, "company_suspended")
    assert api.post(f"{ACME}/holds/{holds[0]}/capture").json["cost"] == 5
    assert api.post(f"{ACME}/holds/{holds[1]}/void").json["returned"] == 5
    assert api.available() == 5
    assert api.post(f"{ACME}/resume").status == 200
    assert api.charge()["cost"] == 1


def test_suspending_and_resuming_again_change_nothing_and_write_nothing(api):
    for call, kind in (("suspend", "suspended"), ("resume", "resumed")):
        first, again = api.post(f"{ACME}/{call}"), api.post(f"{ACME}/{call}", {"reason": "again"})
        assert (first.status, again.status, first.json) == (200, 200, again.json)
        assert kinds(api).count(kind) == 1
        assert api.get(ACME).json["suspended"] is (call == "suspend")


def test_an_adjustment_moves_the_used_counter_and_never_below_zero(api):
    api.charge()
    for amount, used in ((4, 5), (-2, 3), (-100, 0), (30, 30)):
        adjusted = api.post(f"{ACME}/adjustments", {"amount": amount, "reason": "ours"})
        assert (adjusted.status, adjusted.json["allowance"]["used"]) == (201, used)
    assert api.available() == 0


def test_revoking_a_boost_takes_what_is_left_and_can_be_repeated(api):
    boost = api.post(f"{ACME}/boosts", {"boost": "boost_20"}).json["id"]
    for _ in range(2):
        assert api.delete(f"{ACME}/boosts/{boost}").status == 204
    assert kinds(api).count("boost_revoked") == 1
    assert (api.get(f"{ACME}/boosts").json["items"], api.available()) == ([], 10)
    assert api.delete(f"{ACME}/boosts/bst_9999999999").code == "not_found"


def test_a_boost_that_has_expired_is_there_no_more_to_be_revoked(api):
    expires_at = "2026-02-10T13:00:00.000Z"
    boost = api.post(f"{ACME}/boosts", {"amount": 5, "expires_at": expires_at}).json["id"]
    api.at(expires_at)
    assert api.delete(f"{ACME}/boosts/{boost}").code == "not_found"


def test_revoking_a_key_closes_it_at_once_and_can_be_repeated(api):
    key = api.make_key("app")
    assert api.get(f"{ACME}/balance", as_="app").status == 200
    for _ in range(2):
        assert api.delete(f"{ACME}/keys/{key}").status == 204
    assert api.get(f"{ACME}/balance", as_="app").code == "unauthenticated"
    assert key not in [one["id"] for one in api.get(f"{ACME}/keys").json["items"]]


def test_a_key_bound_to_actions_changes_nothing_of_others_and_sees_what_its_role_sees(api):
    charge = api.charge(action="call")["id"]
    hold = api.post(f"{ACME}/holds", {"action": "call"}).json["id"]
    api.make_key("app", actions=["chat_question"])
    calls = [
        ("quotes", {"action": "call"}),
        ("charges", {"action": "call"}),
        ("holds", {"action": "call"}),
        (f"holds/{hold}/capture", {}),
        (f"holds/{hold}/void", {}),
        (f"charges/{charge}/measures", {"measures": {"tokens": 1}}),
    ]
    for path, body in calls:
        assert api.post(f"{ACME}/{path}", body, as_="app").code == "forbidden", path
    operations = [
        {"op": "charge", "company": "acme", "action": "call"},
        {"op": "hold", "company": "acme", "action": "call"},
        {"op": "capture", "company": "acme", "hold": hold},
        {"op": "void", "company": "acme", "hold": hold},
    ]
    found = api.post("/v1/batch", {"operations": operations}, as_="app").json["results"]
    assert [one["status"] for one in found] == [403] * 4
    for path in ("balance", f"holds/{hold}", "holds", f"charges/{charge}"):
        assert api.get(f"{ACME}/{path}", as_="app").status == 200, path
    assert api.get(f"{ACME}/holds/{hold}").json["status"] == "open"


@pytest.mark.parametrize("spent", [0, 5, 8, 10])
@pytest.mark.parametrize(
    "usage",
    [
        {"action": "chat_question"},
        {"action": "call", "subject": "call:1"},
        {"action": "site", "quantities": {"images": 3}},
    ],
)
def test_defect_12_a_quote_says_what_the_charge_then_does(api, spent, usage):
    """The preview differs from the act: with caps, shared stages, a full hour and too little left."""
    api.put(f"{ACME}/caps/chats", {"scope": {"tool": "chat"}, "requests": 9, "per": "day"})
    for _ in range(spent):
        api.post(f"{ACME}/charges", {"action": "chat_question"})
    api.post(f"{ACME}/charges", {"action": "call", "subject": "call:1", "stages": ["transcription"]})
    quote, act = api.post(f"{ACME}/quotes", usage).json, api.post(f"{ACME}/charges", usage).json
    assert quote["cost"] == act["cost"]
    if quote["approved"]:
        assert (quote["paid_by"], quote["balance"]["available"] - quote["cost"]) == (act["paid_by"], act["available"])
    else:
        named = ("reason", "cost", "available", "short_by", "renews_at", "retry_at", "cap", "ways_out")
        assert {name: quote["decline"][name] for name in named} == {name: act[name] for name in named}


@pytest.mark.parametrize("effective", ["now", "next_period"])
def test_defect_12_a_plan_change_does_what_its_dry_run_shows(api, effective):
    api.charge()
    body = {"plan": "large", "effective": effective}
    shown = api.post(f"{ACME}/plan-changes", {**body, "dry_run": True}).json
    assert api.get(f"{ACME}/balance").json == shown["before"]
    assert api.post(f"{ACME}/plan-changes", body).json == shown
    api.at(shown["effective_at"])
    assert api.get(f"{ACME}/balance").json == shown["after"]


def test_defect_19_no_role_of_a_company_grants_it_requests(api):
    """Whatever a customer may call: his counter, boosts, orders and prices are the operator's."""
    order = api.post(f"{ACME}/orders", {"boost": "boost_20"}, as_="admin").json["id"]
    charge = api.charge()["id"]
    grants = [
        ("POST", f"{ACME}/adjustments", {"amount": -1, "reason": "mine"}),
        ("POST", f"{ACME}/boosts", {"boost": "boost_20"}),
        ("POST", f"{ACME}/orders/{order}/confirm", {}),
        ("POST", f"{ACME}/charges/{charge}/refund", {}),
        ("POST", f"{ACME}/resume", {}),
        ("PUT", ACME, {"name": "Acme", "plan": "large", "time_zone": "UTC"}),
        ("PATCH", ACME, {"allowance_override": 1000}),
        ("POST", f"{ACME}/plan-changes", {"plan": "large"}),
        ("POST", "/v1/catalogues", {}),
        ("PUT", "/v1/sandbox/clock", {"now": "2026-03-01T00:00:00Z"}),
    ]
    for role in ("admin", "app", "member", "auditor"):
        for method, path, body in grants:
            assert api.call(method, path, body, as_=role).code == "forbidden", (role, path)
    assert api.available() == 9
