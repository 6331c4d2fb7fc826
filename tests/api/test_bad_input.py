"""RULES §9: whatever is wrong is a 4xx with a stable code, and writes nothing."""

import re

import pytest

ENGLISH = re.compile(r"\b(must|is|it was|was|The|Send|known)\b")
CHARGES = "/v1/companies/acme/charges"
WRONG_BODIES = {
    "not JSON": (b'{"action": "chat_question"', 400),
    "nothing after a name": (b'{"action":}', 400),
    "two documents": (b'{"action": "chat_question"} {}', 400),
    "a number that is no number": (b'{"action": "site", "quantities": {"images": NaN}}', 400),
    "an infinite number": (b'{"action": "site", "quantities": {"images": -Infinity}}', 400),
    "a leading zero": (b'{"action": "site", "quantities": {"images": 01}}', 400),
    "broken UTF-8": (b'{"action": "chat_question", "subject": "\xff\xfe"}', 400),
    "a byte order mark": (b'\xef\xbb\xbf{"action": "chat_question"}', 400),
    "UTF-16": ('{"action": "chat_question"}'.encode("utf-16"), 400),
    "half of a surrogate pair": (b'{"action": "chat_question", "subject": "\\ud800"}', 400),
    "the other half": (b'{"action": "chat_question", "subject": "x\\udfff"}', 400),
    "a raw control character": (b'{"action": "chat_question", "subject": "a\x01b"}', 400),
    "a name twice": (b'{"action": "site", "action": "chat_question"}', 400),
    "a name twice below": (b'{"action": "site", "quantities": {"images": 1, "images": 2}}', 400),
    "a name twice, once escaped": (b'{"action": "chat_question", "us\\u0065r": "a", "user": "b"}', 400),
    "a name twice in an unknown field": (b'{"action": "chat_question", "x": [{"a": 1, "a": 1}]}', 400),
    "a deep array": (b'{"action": "chat_question", "x": ' + b"[" * 200_000, 400),
    "a deep object": (b'{"quantities": ' + b'{"a":' * 100_000, 400),
    "an array": (b"[]", 422),
    "null": (b"null", 422),
    "text": (b'"charge"', 422),
    "nothing": (b"", 422),
    "an unknown field": (b'{"action": "chat_question", "amount": 0}', 422),
    "an action that is a number": (b'{"action": 1}', 422),
    "an action that is null": (b'{"action": null}', 422),
    "an empty user": (b'{"action": "chat_question", "user": ""}', 422),
    "a user with a space": (b'{"action": "chat_question", "user": "a b"}', 422),
    "a user with a newline": (b'{"action": "chat_question", "user": "ivan\\n"}', 422),
    "a long user": (b'{"action": "chat_question", "user": "' + b"a" * 65 + b'"}', 422),
    "a Russian user": ('{"action": "chat_question", "user": "иван"}'.encode(), 422),
    "a NUL": (b'{"action": "chat_question", "subject": "a\\u0000"}', 422),
    "a newline": (b'{"action": "chat_question", "subject": "a\\n"}', 422),
    "text turned round": (b'{"action": "chat_question", "subject": "a\\u202eb"}', 422),
    "a long subject": (b'{"action": "chat_question", "subject": "' + b"a" * 201 + b'"}', 422),
    "a long department": (b'{"action": "chat_question", "department": "' + b"a" * 65 + b'"}', 422),
    "a negative quantity": (b'{"action": "site", "quantities": {"images": -1}}', 422),
    "a broken quantity": (b'{"action": "site", "quantities": {"images": 1.5}}', 422),
    "a whole float": (b'{"action": "site", "quantities": {"images": 1.0}}', 422),
    "a power of ten": (b'{"action": "site", "quantities": {"images": 1e2}}', 422),
    "a boolean quantity": (b'{"action": "site", "quantities": {"images": true}}', 422),
    "a quantity in quotes": (b'{"action": "site", "quantities": {"images": "1"}}', 422),
    "too large a quantity": (b'{"action": "site", "quantities": {"images": 1000001}}', 422),
    "a quantity of 23 digits": (b'{"action": "site", "quantities": {"images": 99999999999999999999999}}', 422),
    "a quantity of 10,000 digits": (b'{"action": "site", "quantities": {"images": ' + b"9" * 10_000 + b"}}", 422),
    "an unknown quantity": (b'{"action": "site", "quantities": {"pictures": 1}}', 422),
    "too large a measure": (b'{"action": "chat_question", "measures": {"tokens": 1000000000000001}}', 422),
    "a measure without a name": (b'{"action": "chat_question", "measures": {"": 1}}', 422),
    "no stage": (b'{"action": "call", "stages": []}', 422),
    "a stage twice": (b'{"action": "call", "stages": ["summary", "summary"]}', 422),
    "an unknown stage": (b'{"action": "call", "stages": ["x"]}', 422),
    "stages where there are none": (b'{"action": "chat_question", "stages": ["summary"]}', 422),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG_BODIES)
def test_a_wrong_body_is_refused_and_writes_nothing(api, case):
    raw, status = WRONG_BODIES[case]
    reply = api.post(CHARGES, raw=raw)
    assert (reply.status, reply.code) == (status, "malformed" if status == 400 else "invalid"), reply
    if status == 422:
        assert reply.json["errors"]
    assert not ENGLISH.search(api.post(CHARGES, raw=raw, language="ru").json["detail"])
    assert api.available() == 10
    assert len(api.get("/v1/companies/acme/entries").json["items"]) == 1


def test_null_is_the_same_as_absent(api):
    body = {**dict.fromkeys(("quantities", "stages", "subject", "user", "department", "measures")), "action": "call"}
    assert api.post(CHARGES, body, key="k").json == api.post(CHARGES, {"action": "call"}, key="k").json


def test_what_is_printable_is_taken_as_it_is(api):
    subject = 'звонок: «Ромашка» 🌼 e\u0301 \\ " /'
    assert api.charge(subject=subject, department="Отдел\u00a0продаж")["subject"] == subject


WRONG_CALLS = {
    "amount 0": ("POST", "/boosts", {"amount": 0, "expires_at": "2026-09-01T00:00:00Z"}),
    "an amount over the bound": ("POST", "/boosts", {"amount": 1_000_000_001, "expires_at": "2026-09-01T00:00:00Z"}),
    "an expired boost": ("POST", "/boosts", {"amount": 5, "expires_at": "2026-01-01T00:00:00Z"}),
    "a boost that expires now": ("POST", "/boosts", {"amount": 5, "expires_at": "2026-02-10T12:00:00Z"}),
    "a naive instant": ("POST", "/boosts", {"amount": 5, "expires_at": "2026-09-01T00:00:00"}),
    "too fine an instant": ("POST", "/boosts", {"amount": 5, "expires_at": "2026-09-01T00:00:00.0001Z"}),
    "a date for an instant": ("POST", "/boosts", {"amount": 5, "expires_at": "2026-09-01"}),
    "a number for an instant": ("POST", "/boosts", {"amount": 5, "expires_at": 1790000000}),
    "the 31st of February": ("POST", "/boosts", {"amount": 5, "expires_at": "2026-02-31T00:00:00Z"}),
    "the year 9999": ("POST", "/boosts", {"amount": 5, "expires_at": "9999-12-31T23:59:59Z"}),
    "the year 1": ("POST", "/boosts", {"amount": 5, "expires_at": "0001-01-01T00:00:00+23:59"}),
    "an offset of 99 hours": ("POST", "/boosts", {"amount": 5, "expires_at": "2026-09-01T00:00:00+99:00"}),
    "both kinds of boost": ("POST", "/boosts", {"boost": "boost_20", "amount": 5}),
    "no boost": ("POST", "/boosts", {}),
    "a hold of no time": ("POST", "/holds", {"action": "call", "ttl": 0}),
    "a hold of two days": ("POST", "/holds", {"action": "call", "ttl": 86_401}),
    "no scope": ("PUT", "/caps/x", {"scope": {}, "requests": 1, "per": "day"}),
    "two scopes": ("PUT", "/caps/x", {"scope": {"user": "a", "tool": "chat"}, "requests": 1, "per": "day"}),
    "some users": ("PUT", "/caps/x", {"scope": {"users": "some"}, "requests": 1, "per": "day"}),
    "an unknown tool": ("PUT", "/caps/x", {"scope": {"tool": "x"}, "requests": 1, "per": "day"}),
    "a cap per year": ("PUT", "/caps/x", {"scope": {"user": "a"}, "requests": 1, "per": "year"}),
    "the plan's own cap": ("PUT", "/caps/plan", {"scope": {"user": "a"}, "requests": 1, "per": "day"}),
    "a cap's id with a space": ("PUT", "/caps/a%20b", {"scope": {"user": "a"}, "requests": 1, "per": "day"}),
    "a cap that has ended": (
        "PUT", "/caps/x", {"scope": {"user": "a"}, "requests": 1, "per": "day", "until": "2026-01-01T00:00:00Z"}
    ),
    "a zone on Mars": ("PUT", "", {"time_zone": "Mars/Olympus"}),
    "a zone in small letters": ("PUT", "", {"time_zone": "europe/moscow"}),
    "a name cleared": ("PUT", "", {"name": None}),
    "an unknown locale": ("PATCH", "", {"locale": "de"}),
    "an unknown tool off": ("PATCH", "", {"tools_off": ["x"]}),
    "a negative override": ("PATCH", "", {"allowance_override": -1}),
    "no reason": ("POST", "/adjustments", {"amount": 1}),
    "an adjustment by 0": ("POST", "/adjustments", {"amount": 0, "reason": "x"}),
    "no measures": ("POST", "/charges/chg_0000000001/measures", {"measures": {}}),
    "effective some day": ("POST", "/plan-changes", {"plan": "tiny", "effective": "tomorrow"}),
    "a limit of 0": ("GET", "/entries?limit=0", None),
    "a limit of 1001": ("GET", "/entries?limit=1001", None),
    "a limit in words": ("GET", "/entries?limit=abc", None),
    "a broken limit": ("GET", "/entries?limit=1.0", None),
    "a limit as a power": ("GET", "/entries?limit=1e2", None),
    "no limit": ("GET", "/entries?limit=", None),
    "a limit twice": ("GET", "/entries?limit=1&limit=2", None),
    "an unknown parameter": ("GET", "/balance?at=now", None),
    "an unknown kind": ("GET", "/entries?kind=x", None),
    "a user with a space in the query": ("GET", "/entries?user=a%20b", None),
    "entries backwards": ("GET", "/entries?from=2026-02-02&to=2026-02-01", None),
    "entries from nowhere": ("GET", "/entries?from=yesterday", None),
    "usage without dates": ("GET", "/usage", None),
    "usage backwards": ("GET", "/usage?from=2026-03-01&to=2026-02-01", None),
    "usage of no day": ("GET", "/usage?from=2026-03-01&to=2026-03-01", None),
    "usage of centuries": ("GET", "/usage?from=1970-01-01&to=2099-01-01", None),
    "usage by nothing": ("GET", "/usage?from=2026-02-01&to=2026-03-01&by=", None),
    "usage by something else": ("GET", "/usage?from=2026-02-01&to=2026-03-01&by=day,x", None),
    "usage by day twice": ("GET", "/usage?from=2026-02-01&to=2026-03-01&by=day,day", None),
    "a date that is none": ("GET", "/usage?from=2026-02-30&to=2026-03-01", None),
    "holds of no status": ("GET", "/holds?status=closed", None),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG_CALLS)
def test_a_wrong_value_is_invalid_and_named(api, case):
    method, path, body = WRONG_CALLS[case]
    reply = api.call(method, "/v1/companies/acme" + path, body)
    assert (reply.status, reply.code) == (422, "invalid"), reply
    assert reply.json["errors"]
    assert not ENGLISH.search(api.call(method, "/v1/companies/acme" + path, body, language="ru").json["detail"])
    assert api.get("/v1/companies/acme/balance").json["boosts"]["items"] == []


def test_a_company_needs_name_plan_and_zone_and_an_id_of_its_own(api):
    missing = api.put("/v1/companies/beta", {"name": "Beta"})
    assert [one["field"] for one in missing.json["errors"]] == ["plan", "time_zone"]
    wanted = {"name": "Beta", "plan": "tiny", "time_zone": "UTC"}
    for name in ("a%20b", "%00", "x" * 65, "%D0%B0", "a%0A"):
        assert api.put(f"/v1/companies/{name}", wanted).code == "invalid"
        assert api.get(f"/v1/companies/{name}").code == "company_not_found"
        assert api.put(f"/v1/companies/{name}/caps/x", {}).code == "company_not_found"


@pytest.mark.parametrize("name", ["%00", "a%20b", "chg_1", "hld_99999999999", "%D0%B0", "chg_000000000a", "x" * 300])
def test_an_id_that_nothing_can_have_is_not_found(api, name):
    for path in (f"/charges/{name}", f"/holds/{name}"):
        assert api.get("/v1/companies/acme" + path).status == 404
    for path in (f"/charges/{name}/refund", f"/holds/{name}/capture", f"/holds/{name}/void", f"/orders/{name}/drop"):
        assert api.post("/v1/companies/acme" + path, {}).status == 404
    for path in (f"/boosts/{name}", f"/caps/{name}", f"/keys/{name}"):
        assert api.delete("/v1/companies/acme" + path).code == "not_found"


def test_the_sandboxs_clock_takes_instants_of_our_time_only(api):
    for now in ("2026-02-10T12:00:00", "9999-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "now", 5, None):
        assert api.put("/v1/sandbox/clock", {"now": now}).code == "invalid"
    assert api.put("/v1/sandbox/clock", {"now": "2026-02-10T15:00:00.5+03:00"}).json == {
        "now": "2026-02-10T12:00:00.500Z"
    }
    assert api.get("/v1/sandbox/clock").json == {"now": "2026-02-10T12:00:00.500Z"}
