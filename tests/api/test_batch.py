"""``POST /v1/batch``: each operation is as the call that it stands for, and stands alone."""

CHARGE = {"op": "charge", "company": "acme", "action": "chat_question"}


def results(api, *operations, **more):
    reply = api.post("/v1/batch", {"operations": list(operations)}, **more)
    assert reply.status == 200, reply
    return reply.json["results"]


def statuses(found):
    return [one["status"] if one["status"] < 400 else (one["status"], one["body"]["code"]) for one in found]


def test_a_batch_does_what_its_calls_would_do(api):
    hold, other = (api.post("/v1/companies/acme/holds", {"action": "call"}).json["id"] for _ in range(2))
    found = results(
        api,
        CHARGE,
        {"op": "hold", "company": "acme", "action": "call", "ttl": 60, "stages": ["summary"]},
        {"op": "capture", "company": "acme", "hold": hold},
        {"op": "void", "company": "acme", "hold": other},
    )
    assert statuses(found) == [201, 201, 200, 200]
    assert found[0]["body"] == api.get(f"/v1/companies/acme/charges/{found[0]['body']['id']}").json
    assert [one["body"]["status"] for one in (found[0], found[2], found[3])] == ["charged", "captured", "void"]


def test_one_wrong_operation_hurts_no_other(api):
    found = results(
        api,
        CHARGE,
        {**CHARGE, "quantities": {"images": 1.5}},
        {**CHARGE, "action": "no_such"},
        {"op": "refund", "company": "acme"},
        {"company": "acme"},
        7,
        None,
        {**CHARGE, "company": "no one"},
        {**CHARGE, "company": "nobody"},
        {"op": "void", "company": "acme", "hold": "hld_0000009999"},
        {"op": "void", "company": "acme", "hold": "\u0442"},
        {"op": "charge", "company": "acme", "action": "site", "quantities": {"images": 20}},
        {**CHARGE, "key": ""},
        CHARGE,
    )
    assert statuses(found) == [
        201, (422, "invalid"), (422, "unknown_action"), (422, "invalid"), (422, "invalid"), (422, "invalid"),
        (422, "invalid"), (422, "invalid"), (404, "company_not_found"), (404, "hold_not_found"),
        (404, "hold_not_found"), (402, "insufficient_requests"), (422, "invalid"), 201,
    ]  # fmt: skip
    assert found[1]["body"]["errors"][0]["field"] == "quantities.images"
    assert found[3]["body"]["errors"] == [
        {"field": "op", "message": "must be one of charge, hold, capture, void", "value": "refund"}
    ]
    assert api.available() == 8


def test_each_operation_is_authorised_alone(api):
    api.make_company("beta")
    found = results(api, CHARGE, {**CHARGE, "company": "beta"}, {"op": "charge", "company": "beta"}, as_="app")
    assert statuses(found) == [201, (404, "company_not_found"), (404, "company_not_found")]
    assert found[1] == found[2]
    assert api.available("beta") == 10


def test_a_bound_key_opens_its_actions_in_a_batch_too(api):
    api.make_key("app", actions=["chat_question"])
    assert statuses(results(api, CHARGE, {**CHARGE, "action": "call"}, as_="app")) == [201, (403, "forbidden")]


def test_a_key_in_an_operation_is_that_of_the_call_it_stands_for(api):
    first = api.post("/v1/companies/acme/charges", {"action": "chat_question", "user": "ivan"}, key="k").json
    found = results(api, {**CHARGE, "user": "ivan", "key": "k"}, {**CHARGE, "key": "k"}, {**CHARGE, "key": "k", "x": 1})
    assert found[0] == {"status": 201, "body": first}
    assert statuses(found)[1:] == [(422, "idempotency_key_reused")] * 2
    hold = api.post("/v1/companies/acme/holds", {"action": "call"}).json["id"]
    made = results(api, {"op": "capture", "company": "acme", "hold": hold, "key": "c", "quantities": {}})[0]
    reply = api.post(f"/v1/companies/acme/holds/{hold}/capture", {}, key="c")
    assert (reply.json, reply.headers["idempotency-replayed"]) == (made["body"], "true")


def test_the_same_key_twice_in_a_batch_is_one_charge(api):
    one, two, other = results(api, {**CHARGE, "key": "k"}, {**CHARGE, "key": "k"}, {**CHARGE, "key": "k", "user": "a"})
    assert one == two
    assert other["body"]["code"] == "idempotency_key_reused"
    assert api.available() == 9


def test_a_later_operation_sees_what_an_earlier_one_did(api):
    found = results(api, *[CHARGE] * 12)
    assert [one["status"] for one in found] == [201] * 10 + [402] * 2
    assert [one["body"]["available"] for one in found[:10]] == list(range(9, -1, -1))


def test_a_key_in_the_header_is_refused(api):
    reply = api.post("/v1/batch", {"operations": [CHARGE]}, key="k")
    assert (reply.code, reply.json["errors"][0]["field"]) == ("invalid", "Idempotency-Key")
    assert api.available() == 10


def test_a_batch_has_1_to_1000_operations(api):
    for operations in ([], [CHARGE] * 1001, {}, None, 1):
        assert api.post("/v1/batch", {"operations": operations}).code == "invalid"
    assert api.post("/v1/batch", {}).code == "invalid"
    assert len(results(api, *[CHARGE] * 1000)) == 1000
    assert api.available() == 0


def test_a_name_twice_in_an_operation_is_malformed(api):
    raw = b'{"operations": [{"op": "charge", "company": "acme", "action": "call", "action": "chat_question"}]}'
    assert api.post("/v1/batch", raw=raw).code == "malformed"


def test_the_problems_speak_the_callers_language(api):
    found = results(api, {**CHARGE, "user": ""}, language="ru")
    assert found[0]["body"]["title"] == "Недопустимое значение"
