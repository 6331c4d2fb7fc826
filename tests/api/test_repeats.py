"""RULES §7 over HTTP: what a key stands for, and the order in which things are judged."""

import pytest

CHARGES, HOLDS = "/v1/companies/acme/charges", "/v1/companies/acme/holds"
CHAT = {"action": "chat_question"}


def again(first, second):
    assert second.content == first.content
    assert second.status == first.status
    assert second.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers


def test_a_repeated_charge_is_the_first_reply_again(api):
    first = api.post(CHARGES, CHAT, key="k")
    api.charge()
    again(first, api.post(CHARGES, CHAT, key="k"))
    assert api.available() == 8


def test_every_post_that_writes_can_be_repeated(api):
    company = "/v1/companies/acme"
    api.call("PATCH", company, {"allowance_override": 100})
    hold, other = (api.post(HOLDS, CHAT).json["id"] for _ in range(2))
    charge = api.charge()["id"]
    order, dropped = (api.post(f"{company}/orders", {"boost": "boost_20"}).json["id"] for _ in range(2))
    calls = {
        f"{company}/holds": {"action": "site", "ttl": 60},
        f"{company}/holds/{hold}/capture": {},
        f"{company}/holds/{other}/void": {},
        f"{company}/charges/{charge}/measures": {"measures": {"tokens": 5}},
        f"{company}/charges/{charge}/refund": {"reason": "wrong"},
        f"{company}/boosts": {"amount": 5, "expires_at": "2026-09-01T00:00:00Z"},
        f"{company}/orders": {"boost": "boost_20"},
        f"{company}/orders/{order}/confirm": {"reference": "17"},
        f"{company}/orders/{dropped}/drop": {},
        f"{company}/plan-changes": {"plan": "large"},
        f"{company}/adjustments": {"amount": 2, "reason": "ours"},
        f"{company}/suspend": {},
        f"{company}/resume": {},
    }
    for number, (path, body) in enumerate(calls.items()):
        first = api.post(path, body, key=f"key {number}")
        assert first.status in (200, 201), (path, first)
        again(first, api.post(path, body, key=f"key {number}"))
    entries = api.get(f"{company}/entries?limit=1000").json["items"]
    assert len({entry["key"] for entry in entries if entry["key"]}) == len(calls) - 2  # orders are no entries
    assert len([entry for entry in entries if entry["kind"] == "measured"]) == 1


def test_the_parsed_body_is_compared_not_its_bytes(api):
    first = api.post(CHARGES, raw=b'{"action": "call", "user": "ivan"}', key="k")
    again(
        first,
        api.post(CHARGES, raw=b' {"us\\u0065r":"ivan", "subject":null, "quantities":{},\n"action":"call"}', key="k"),
    )
    first = api.post(HOLDS, {"action": "call"}, key="h")
    again(first, api.post(HOLDS, {"action": "call", "ttl": 14_400, "quantities": None}, key="h"))
    assert api.post(HOLDS, {"action": "call", "ttl": 14_401}, key="h").code == "idempotency_key_reused"


def test_an_empty_body_is_an_empty_object(api):
    hold = api.post(HOLDS, CHAT).json["id"]
    first = api.post(f"{HOLDS}/{hold}/void", raw=b"", key="v")
    again(first, api.post(f"{HOLDS}/{hold}/void", {}, key="v"))


@pytest.mark.parametrize(
    ("path", "raw"),
    [
        (CHARGES, b'{"action": "call"}'),
        (HOLDS, b'{"action": "chat_question"}'),
        (CHARGES, b"{"),
        (CHARGES, b'{"action": "chat_question", "x": 1}'),
        (CHARGES, b'{"action": "chat_question", "action": "chat_question"}'),
        (CHARGES, b" " * 1_048_577),
        (CHARGES + "?x=1", b'{"action": "chat_question"}'),
        (f"{HOLDS}/no%20hold/void", b"{}"),
        (f"{HOLDS}/hld_0000009999/void", b"{}"),
        (CHARGES, b'{"action": "no_such_action"}'),
    ],
)
def test_another_request_valid_or_not_has_the_key_reused(api, path, raw):
    api.post(CHARGES, CHAT, key="k")
    without = api.post(path, raw=raw)
    assert without.status == 201 or without.code != "idempotency_key_reused"
    assert (reply := api.post(path, raw=raw, key="k")).code == "idempotency_key_reused", reply


def test_authentication_role_and_company_come_before_the_key(api):
    api.make_company("beta")
    api.make_key("app", "beta")
    api.post(CHARGES, CHAT, key="k")
    for who, status in (("nobody", 401), ("auditor", 403), ("beta_app", 404)):
        assert api.post(CHARGES, {"action": "call"}, as_=who, key="k").status == status


def test_a_key_is_its_companys_own(api):
    api.make_company("beta")
    api.post(CHARGES, CHAT, key="k")
    assert api.post("/v1/companies/beta/charges", {"action": "call"}, key="k").status == 201


def test_after_a_decline_or_an_error_the_key_may_try_again(api):
    site = {"action": "site", "quantities": {"images": 20}}
    assert api.post(CHARGES, site, key="k").code == "insufficient_requests"
    assert api.post(CHARGES, {"action": "block"}, key="k").code == "quantity_missing"
    assert api.post(CHARGES, CHAT, key="k").status == 201


@pytest.mark.parametrize("key", [b"", b"a" * 201, "ключ".encode(), b"a\tb", b"a\x7f", b"k\xe4"])
def test_a_key_is_1_to_200_printable_ascii_characters(api, key):
    reply = api.call("POST", CHARGES, CHAT, headers={"Idempotency-Key": key})
    assert (reply.status, reply.code) == (422, "invalid")
    assert reply.json["errors"][0]["field"] == "Idempotency-Key"


def test_the_longest_key_is_taken(api):
    key = "~ " * 99 + "~~"
    again(api.post(CHARGES, CHAT, key=key), api.post(CHARGES, CHAT, key=key))


def test_making_a_key_is_exempt(api):
    keys = [api.post("/v1/companies/acme/keys", {"role": "app"}, key="k").json["key"] for _ in range(2)]
    assert len(set(keys)) == 2
    assert api.post(CHARGES, CHAT, key="k").status == 201


def test_a_dry_run_is_not_remembered(api):
    changes = "/v1/companies/acme/plan-changes"
    dry = api.post(changes, {"plan": "large", "dry_run": True}, key="k")
    assert (dry.status, dry.json["after"]["available"]) == (200, 1000)
    assert api.available() == 10
    assert api.post(changes, {"plan": "large"}, key="k").status == 201
