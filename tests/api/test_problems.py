"""Every code can be reached, has its status, and speaks both languages."""

import re

import pytest

from kvota.api.problems import STATUS
from kvota.asgi.attempts import FAILURES
from kvota.asgi.languages import language_of
from kvota.asgi.russian import in_russian
from kvota.asgi.texts import TITLES
from tests.api.harness import Api

CHARGES, HOLDS = "/v1/companies/acme/charges", "/v1/companies/acme/holds"
CHAT = {"action": "chat_question"}
CYRILLIC = re.compile("[А-Яа-яЁё]")


def suspended(api, **more):
    api.post("/v1/companies/acme/suspend", {"reason": "unpaid"})
    return api.post(CHARGES, CHAT, **more)


def tool_off(api, **more):
    api.call("PATCH", "/v1/companies/acme", {"tools_off": ["chat"]})
    return api.post(CHARGES, CHAT, **more)


def not_in_plan(api, **more):
    api.post("/v1/companies/acme/plan-changes", {"plan": "textual"})
    return api.post(CHARGES, {"action": "call"}, **more)


def without_user(api, **more):
    api.call("PATCH", "/v1/companies/acme", {"require_user": True})
    return api.post(CHARGES, CHAT, **more)


def closed_hold(api, **more):
    hold = api.post(HOLDS, CHAT).json["id"]
    api.post(f"{HOLDS}/{hold}/void", {})
    return api.post(f"{HOLDS}/{hold}/capture", {}, **more)


def dropped_order(api, **more):
    order = api.post("/v1/companies/acme/orders", {"boost": "boost_20"}).json["id"]
    api.post(f"/v1/companies/acme/orders/{order}/drop", {})
    return api.post(f"/v1/companies/acme/orders/{order}/confirm", {"reference": "1"}, **more)


def reused_key(api, **more):
    api.post(CHARGES, CHAT, key="k")
    return api.post(CHARGES, {"action": "call"}, key="k", **more)


def full_hour(api, **more):
    api.post("/v1/companies/acme/plan-changes", {"plan": "large"})
    while (reply := api.post(CHARGES, CHAT, **more)).status == 201:
        pass
    return reply


def capped(api, **more):
    api.put("/v1/companies/acme/caps/sites", {"scope": {"tool": "chat"}, "requests": 0, "per": "day"})
    return api.post(CHARGES, CHAT, **more)


def guessed(api, **more):
    for number in range(FAILURES):
        api.get("/v1/catalogue", headers={"Authorization": f"Bearer kv_guess_{number}"})
    return api.get("/v1/catalogue", as_="nobody", **more)


def refused_appeal(api, **more):
    made = api.post("/v1/companies/acme/appeals", {"user": "ivan"}).json["id"]
    api.post(f"/v1/companies/acme/appeals/{made}/refuse", {})
    return api.post(f"/v1/companies/acme/appeals/{made}/grant", {"cap_change": {"requests": 1}}, **more)


WAYS = {
    "malformed": lambda api, **more: api.post(CHARGES, raw=b"{", **more),
    "too_many_attempts": guessed,
    "unauthenticated": lambda api, **more: api.get("/v1/catalogue", as_="nobody", **more),
    "insufficient_requests": lambda api, **more: api.post(
        CHARGES, {"action": "site", "quantities": {"images": 9}}, **more
    ),
    "forbidden": lambda api, **more: api.get("/v1/companies", as_="admin", **more),
    "company_suspended": suspended,
    "tool_disabled": tool_off,
    "action_not_in_plan": not_in_plan,
    "user_required": without_user,
    "company_not_found": lambda api, **more: api.get("/v1/companies/nobody/balance", **more),
    "hold_not_found": lambda api, **more: api.get(f"{HOLDS}/hld_0000009999", **more),
    "charge_not_found": lambda api, **more: api.get(f"{CHARGES}/chg_0000009999", **more),
    "not_found": lambda api, **more: api.delete("/v1/companies/acme/caps/nothing", **more),
    "method_not_allowed": lambda api, **more: api.delete("/v1/catalogue", **more),
    "hold_closed": closed_hold,
    "order_closed": dropped_order,
    "appeal_closed": refused_appeal,
    "body_too_large": lambda api, **more: api.post(CHARGES, raw=b" " * 1_048_577, **more),
    "invalid": lambda api, **more: api.post(CHARGES, {**CHAT, "user": ""}, **more),
    "unknown_action": lambda api, **more: api.post(CHARGES, {"action": "no_such"}, **more),
    "unknown_plan": lambda api, **more: api.post("/v1/companies/acme/plan-changes", {"plan": "golden"}, **more),
    "unknown_boost": lambda api, **more: api.post("/v1/companies/acme/orders", {"boost": "big"}, **more),
    "quantity_missing": lambda api, **more: api.post(CHARGES, {"action": "block"}, **more),
    "idempotency_key_reused": reused_key,
    "hourly_limit": full_hour,
    "cap_reached": capped,
}
ELSEWHERE = {"busy", "store_unavailable", "internal"}


def test_every_code_has_a_title_and_a_way_to_it():
    assert set(WAYS) | ELSEWHERE == set(STATUS) == set(TITLES)


@pytest.mark.parametrize("code", WAYS)
def test_a_code_comes_with_its_status_in_both_languages(api, code):
    english = WAYS[code](api)
    assert (english.status, english.code) == (STATUS[code], code)
    problem = english.json
    assert problem["status"] == english.status
    assert problem["type"] == f"/docs#{code}"
    assert english.headers["content-language"] == "en"
    assert not CYRILLIC.search(problem["title"] + problem["detail"])
    other = Api()
    try:
        other.make_company("acme")
        for role in ("admin", "app"):
            other.make_key(role)
        russian = WAYS[code](other, language="ru-RU,ru;q=0.9,en;q=0.5")
    finally:
        other.close()
    assert (russian.status, russian.code) == (english.status, code)
    assert russian.headers["content-language"] == "ru"
    assert CYRILLIC.search(russian.json["title"])
    assert CYRILLIC.search(russian.json["detail"])
    assert not re.search(r"\b(must|is not|needed|There is)\b", russian.json["detail"]), russian.json["detail"]


def test_a_full_queue_is_busy_and_says_when_to_come_again():
    api = Api(queue=0)
    try:
        reply = api.put("/v1/companies/acme", {"name": "Acme", "plan": "tiny", "time_zone": "UTC"})
        batch = api.post("/v1/batch", {"operations": [{"op": "charge", "company": "acme", **CHAT}]})
    finally:
        api.close()
    assert (reply.status, reply.code, reply.headers["retry-after"]) == (503, "busy", "1")
    assert [(one["status"], one["body"]["code"]) for one in batch.json["results"]] == [(503, "busy")]


def test_a_decline_tells_everything_and_when_to_come_again(api):
    reply = full_hour(api)
    problem = reply.json
    assert {name: problem[name] for name in ("reason", "cost", "available", "short_by", "cap")} == {
        "reason": "hourly_limit", "cost": 1, "available": 980, "short_by": 0, "cap": None,
    }  # fmt: skip
    assert problem["retry_at"] == "2026-02-10T13:00:00.000Z"
    assert reply.headers["retry-after"] == "3600"
    assert problem["ways_out"] == [{"kind": "wait", "id": None, "price": None, "at": "2026-02-10T13:00:00.000Z"}]


def test_retry_after_is_rounded_up_to_whole_seconds(api):
    full_hour(api)
    api.at("2026-02-10T12:59:58.001Z")
    assert api.post(CHARGES, CHAT).headers["retry-after"] == "2"


def test_a_decline_that_time_does_not_lift_says_no_time(api):
    reply = capped(api)
    assert reply.json["retry_at"] is None
    assert "retry-after" not in reply.headers
    assert reply.json["ways_out"] == [{"kind": "cap", "id": "sites", "price": None, "at": None}]


def test_each_field_at_fault_is_named_with_its_value_and_what_is_allowed(api):
    body = {"action": "", "quantities": {"images": 1.5, "people": -1}, "user": "a b", "amount": 3, "ttl": 0}
    problem = api.post(HOLDS, body).json
    assert {(one["field"], str(one["value"])) for one in problem["errors"]} == {
        ("action", ""), ("quantities.images", "1.5"), ("quantities.people", "-1"), ("user", "a b"), ("amount", "3"),
        ("ttl", "0"),
    }  # fmt: skip
    assert all(one["field"] in problem["detail"] for one in problem["errors"])
    assert "must be a whole number from 1 to 86400" in problem["detail"]


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("", "en"), ("ru", "ru"), ("en", "en"), ("de", "en"), ("ru-RU", "ru"), ("ru,en", "ru"), ("en,ru", "en"),
        ("en;q=0.3, ru;q=0.4", "ru"), ("ru;q=0", "en"), ("*", "en"), ("ru;q=0.5,*", "en"), ("ru;q=0.5,*;q=0.1", "ru"),
        ("ru;q=x", "en"), ("de,ru;q=0.1", "ru"), ("RU", "ru"), (",,;=", "en"), ("ru;q=2", "en"),
    ],
)  # fmt: skip
def test_the_better_liked_language_is_spoken(accept, language):
    assert language_of(accept.encode()) == language


def test_a_sentence_that_russian_does_not_know_is_not_invented():
    assert in_russian("Something new.") is None
