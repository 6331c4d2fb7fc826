"""Which role may do what: the whole table, and that of another company nothing is seen."""

import pytest

from kvota.api.registry import operations

OPERATOR, ADMIN, APP, MEMBER, AUDITOR = "operator", "admin", "app", "member", "auditor"
ROLES = (OPERATOR, ADMIN, APP, MEMBER, AUDITOR)
ALLOWED = {
    "quote": {OPERATOR, ADMIN, APP, MEMBER},
    "charge": {OPERATOR, ADMIN, APP},
    "get_charge": {OPERATOR, ADMIN, APP, AUDITOR},
    "refund": {OPERATOR},
    "measure": {OPERATOR, ADMIN, APP},
    "hold": {OPERATOR, ADMIN, APP},
    "list_holds": {OPERATOR, ADMIN, APP, AUDITOR},
    "get_hold": {OPERATOR, ADMIN, APP, AUDITOR},
    "capture": {OPERATOR, ADMIN, APP},
    "void": {OPERATOR, ADMIN, APP},
    "batch": {OPERATOR, ADMIN, APP},
    "get_catalogue": {OPERATOR, ADMIN, APP, MEMBER, AUDITOR},
    "load_catalogue": {OPERATOR},
    "list_catalogues": {OPERATOR},
    "list_companies": {OPERATOR},
    "put_company": {OPERATOR},
    "patch_company": {OPERATOR, ADMIN},
    "get_company": {OPERATOR, ADMIN, AUDITOR},
    "get_balance": {OPERATOR, ADMIN, APP, AUDITOR},
    "change_plan": {OPERATOR, ADMIN},
    "drop_scheduled_plan": {OPERATOR, ADMIN},
    "suspend": {OPERATOR},
    "resume": {OPERATOR},
    "adjust": {OPERATOR},
    "add_boost": {OPERATOR},
    "list_boosts": {OPERATOR, ADMIN, AUDITOR},
    "revoke_boost": {OPERATOR},
    "place_order": {OPERATOR, ADMIN},
    "list_orders": {OPERATOR, ADMIN, AUDITOR},
    "confirm_order": {OPERATOR},
    "drop_order": {OPERATOR, ADMIN},
    "list_entries": {OPERATOR, ADMIN, AUDITOR},
    "entries_csv": {OPERATOR, ADMIN, AUDITOR},
    "entries_xlsx": {OPERATOR, ADMIN, AUDITOR},
    "get_forecast": {OPERATOR, ADMIN, AUDITOR},
    "get_advice": {OPERATOR, ADMIN, AUDITOR},
    "get_usage": {OPERATOR, ADMIN, MEMBER, AUDITOR},
    "get_statistics": {OPERATOR, ADMIN, MEMBER, AUDITOR},
    "list_counted": {OPERATOR, ADMIN, MEMBER, AUDITOR},
    "set_cap": {OPERATOR, ADMIN},
    "list_caps": {OPERATOR, ADMIN, AUDITOR},
    "remove_cap": {OPERATOR, ADMIN},
    "make_key": {OPERATOR, ADMIN},
    "list_keys": {OPERATOR, ADMIN, AUDITOR},
    "revoke_key": {OPERATOR, ADMIN},
    "put_user": {OPERATOR, ADMIN},
    "list_users": {OPERATOR, ADMIN, AUDITOR},
    "get_user": {OPERATOR, ADMIN, AUDITOR},
    "erase_user": {OPERATOR, ADMIN},
    "get_notifications": {OPERATOR, ADMIN},
    "put_notifications": {OPERATOR, ADMIN},
    "list_webhooks": {OPERATOR, ADMIN},
    "make_webhook": {OPERATOR, ADMIN},
    "rotate_webhook": {OPERATOR, ADMIN},
    "remove_webhook": {OPERATOR, ADMIN},
    "try_webhook": {OPERATOR, ADMIN},
    "list_deliveries": {OPERATOR, ADMIN},
    "resend_delivery": {OPERATOR, ADMIN},
    "make_appeal": {OPERATOR, ADMIN, APP, MEMBER},
    "list_appeals": {OPERATOR, ADMIN, MEMBER, AUDITOR},
    "grant_appeal": {OPERATOR, ADMIN},
    "refuse_appeal": {OPERATOR, ADMIN},
    "list_acts": {OPERATOR},
    "get_clock": {OPERATOR},
    "set_clock": {OPERATOR},
}
OPEN = {"healthz", "readyz", "metrics", "openapi", "docs"}
KEYED = [operation for operation in operations() if operation.name not in OPEN]


def path_of(operation, company="acme"):
    names = {"company": company, "charge": "chg_0000000009", "hold": "hld_0000000009", "boost": "bst_9"}
    return operation.path.format_map({**dict.fromkeys(operation.parameters, "x"), **names})


def test_the_table_names_every_call():
    assert set(ALLOWED) | OPEN == {operation.name for operation in operations()}


@pytest.mark.parametrize("operation", KEYED, ids=lambda operation: operation.name)
def test_each_role_may_do_what_the_table_says_and_nothing_else(api, operation):
    for role in ROLES:
        reply = api.call(operation.method, path_of(operation), as_=role)
        if role in ALLOWED[operation.name]:
            assert reply.status in (200, 201, 204, 400, 404, 422), (role, reply)
        else:
            assert (reply.status, reply.code) == (403, "forbidden"), (role, reply)


@pytest.mark.parametrize("operation", KEYED, ids=lambda operation: operation.name)
def test_without_a_key_in_force_nothing_opens(api, operation):
    reply = api.call(operation.method, path_of(operation), as_="nobody")
    assert (reply.status, reply.code) == (401, "unauthenticated")
    assert reply.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "operation", [one for one in KEYED if "company" in one.parameters], ids=lambda operation: operation.name
)
def test_another_company_does_not_exist_for_a_key(api, operation):
    """Whatever its role, and whether or not it might call this at home."""
    api.make_company("beta")
    for role in ROLES:
        if role != OPERATOR:
            there = api.call(operation.method, path_of(operation, "beta"), as_=role)
            nowhere = api.call(operation.method, path_of(operation, "gamma"), as_=role)
            is_allowed = role in ALLOWED[operation.name]
            assert (there.status, there.code) == ((404, "company_not_found") if is_allowed else (403, "forbidden")), (
                role
            )
            assert there.content.replace(b"beta", b"gamma") == nowhere.content


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic x", "Bearer kv_wrong", "kv_operator_of_the_tests", "Bearer " + "x" * 5000],
)
def test_what_is_no_bearer_key_is_unauthenticated(api, header):
    assert api.get("/v1/catalogue", headers={"Authorization": header}).status == 401


def test_a_revoked_key_opens_nothing_at_once(api):
    key = api.make_key("auditor")
    assert api.get("/v1/companies/acme", as_="auditor").status == 200
    assert api.delete(f"/v1/companies/acme/keys/{key}", as_="admin").status == 204
    assert api.get("/v1/companies/acme", as_="auditor").status == 401
    assert api.delete(f"/v1/companies/acme/keys/{key}", as_="admin").status == 204
    assert api.delete("/v1/companies/acme/keys/key_0", as_="admin").code == "not_found"


def test_a_key_of_another_company_cannot_be_revoked(api):
    api.make_company("beta")
    key = api.make_key("auditor", "beta")
    assert api.delete(f"/v1/companies/acme/keys/{key}", as_="admin").status == 404
    assert api.get("/v1/companies/beta", as_="beta_auditor").status == 200


def test_a_key_is_shown_once(api):
    made = api.post("/v1/companies/acme/keys", {"role": "app", "label": "crm", "actions": ["call"]}).json
    assert set(made) == {"id", "role", "user", "label", "actions", "key"}
    page = api.get("/v1/companies/acme/keys").content
    assert made["id"].encode() in page
    assert made["key"].encode() not in page


def test_a_members_key_names_its_user_and_no_other_does(api):
    keys = "/v1/companies/acme/keys"
    assert api.post(keys, {"role": "member"}).code == "invalid"
    assert api.post(keys, {"role": "app", "user": "ivan"}).code == "invalid"
    assert api.post(keys, {"role": "operator"}).code == "invalid"
    assert api.post(keys, {"role": "app", "actions": ["no_such"]}).code == "unknown_action"


def test_a_key_bound_to_actions_opens_no_other(api):
    api.make_key("app", actions=["chat_question"])
    charges = "/v1/companies/acme/charges"
    assert api.post(charges, {"action": "chat_question"}, as_="app").status == 201
    for call in ("charges", "holds", "quotes"):
        assert api.post(f"/v1/companies/acme/{call}", {"action": "call"}, as_="app").code == "forbidden"
    hold = api.post("/v1/companies/acme/holds", {"action": "call"}).json["id"]
    for call in ("capture", "void"):
        assert api.post(f"/v1/companies/acme/holds/{hold}/{call}", {}, as_="app").code == "forbidden"


def test_a_key_bound_to_actions_is_told_no_repeat_of_another(api):
    charges = "/v1/companies/acme/charges"
    assert api.post(charges, {"action": "call"}, key="k").status == 201
    api.make_key("app", actions=["chat_question"])
    assert api.post(charges, {"action": "call"}, key="k", as_="app").code == "forbidden"


def test_a_key_bound_to_actions_makes_no_freer_one(api):
    api.make_key("admin", actions=["chat_question"])
    keys = "/v1/companies/acme/keys"
    assert api.post(keys, {"role": "app"}, as_="admin").code == "invalid"
    assert api.post(keys, {"role": "app", "actions": ["chat_question", "call"]}, as_="admin").code == "invalid"
    assert api.post(keys, {"role": "app", "actions": ["chat_question"]}, as_="admin").status == 201


def test_a_member_asks_for_himself_and_sees_no_balance(api):
    quotes = "/v1/companies/acme/quotes"
    quoted = api.post(quotes, {"action": "chat_question"}, as_="member").json
    assert (quoted["approved"], quoted["cost"], quoted["balance"]) == (True, 1, None)
    assert api.post(quotes, {"action": "chat_question", "user": "ivan"}, as_="member").status == 200
    assert api.post(quotes, {"action": "chat_question", "user": "olga"}, as_="member").code == "forbidden"
    api.put("/v1/companies/acme/caps/ivan", {"scope": {"user": "ivan"}, "requests": 0, "per": "day"})
    declined = api.post(quotes, {"action": "chat_question"}, as_="member").json
    assert (declined["approved"], declined["decline"]["cap"], declined["paid_by"]) == (False, "ivan", None)


def test_a_member_sees_his_own_usage_only(api):
    for user in ("ivan", "ivan", "olga"):
        api.charge(user=user)
    usage = "/v1/companies/acme/usage?from=2026-02-01&to=2026-03-01&by=user"
    assert api.get(usage, as_="member").json["rows"] == [
        {"user": "ivan", "calls": 2, "requests": 2, "refunded": 0, "written_off": 0}
    ]
    assert api.get(usage, as_="auditor").json["total"]["calls"] == 3


def test_an_administrator_changes_settings_but_not_plan_or_override(api):
    company = "/v1/companies/acme"
    assert api.call("PATCH", company, {"require_user": True, "locale": "ru"}, as_="admin").json["require_user"] is True
    for field, value in (("plan", "large"), ("allowance_override", 9), ("allowance_override", None)):
        assert api.call("PATCH", company, {field: value}, as_="admin").code == "forbidden"
    assert api.call("PATCH", company, {"allowance_override": 9}).json["allowance_override"] == 9


def test_an_administrator_changes_to_self_service_plans_only(api):
    changes = "/v1/companies/acme/plan-changes"
    assert api.post(changes, {"plan": "large"}, as_="admin").code == "forbidden"
    assert api.post(changes, {"plan": "large", "dry_run": True}, as_="admin").code == "forbidden"
    assert api.post(changes, {"plan": "large"}).status == 201
    assert api.post(changes, {"plan": "tiny"}, as_="admin").status == 201


def test_defect_19_a_customer_can_neither_grant_himself_requests_nor_make_up_facts(api):
    before = api.get("/v1/companies/acme/balance").json["available"]
    charge = api.post("/v1/companies/acme/charges", {"action": "chat_question"}).json["id"]
    grants = [
        ("POST", "boosts", {"amount": 1000, "expires_at": "2027-01-01T00:00:00Z"}),
        ("POST", f"charges/{charge}/refund", {}),
        ("POST", "adjustments", {"amount": -5, "reason": "mine"}),
        ("POST", "orders/ord_0000000001/confirm", {"reference": "paid"}),
    ]
    for role in (ADMIN, APP, MEMBER, AUDITOR):
        for method, path, body in grants:
            assert api.call(method, f"/v1/companies/acme/{path}", body, as_=role).code == "forbidden", (role, path)
        assert api.call("PATCH", "/v1/companies/acme", {"allowance_override": 10**6}, as_=role).code == "forbidden"
    for call in ("charges", "holds"):
        usage = {"action": "meeting", "quantities": {"participants": 9}}
        assert api.post(f"/v1/companies/acme/{call}", usage, as_=MEMBER).code == "forbidden"
    assert api.get("/v1/companies/acme/balance").json["available"] == before - 1
