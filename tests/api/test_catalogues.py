"""Loading catalogues over HTTP, trying them out before, and the editions that there are."""

import re

import pytest

from tests.api.harness import CATALOGUE, NOON

TEXT = CATALOGUE.read_text()
TOML = {"Content-Type": "application/toml"}


def newer(version: str = "2026-02-01", *, old: str = "", new: str = "") -> str:
    """The catalogue of the tests under another version, with something changed."""
    assert old in TEXT
    return TEXT.replace('version = "2026-01-01"', f'version = "{version}"').replace(old, new, 1 if old else 0)


def load(api, text: str | bytes, query: str = "", **more):
    raw = text.encode() if isinstance(text, str) else text
    return api.call("POST", f"/v1/catalogues{query}", raw=raw, headers={**TOML, **more.pop("headers", {})}, **more)


def versions(api):
    return [one["version"] for one in api.get("/v1/catalogues").json["items"]]


def in_force(api):
    return api.get("/v1/catalogue").json["version"]


def test_a_newer_catalogue_is_loaded_with_what_it_changes_and_takes_effect_at_once(api):
    reply = load(api, newer(old="allowance = 10\n", new="allowance = 12\n"))
    assert reply.status == 201, reply
    said = reply.json
    assert (said["dry_run"], said["compared_with"], said["last_month"]) == (False, "2026-01-01", None)
    assert said["edition"] == {
        "number": 2,
        "id": "small",
        "version": "2026-02-01",
        "effective_at": NOON,
        "loaded_at": NOON,
        "in_force": True,
    }
    assert {(one["section"], one["entry"], one["field"], one["before"], one["after"]) for one in said["changes"]} == {
        ("catalogue", None, "version", "2026-01-01", "2026-02-01"),
        ("plans", "tiny", "allowance", 10, 12),
    }
    assert "plans.tiny.allowance: 10 → 12" in [one["text"] for one in said["changes"]]
    assert in_force(api) == "2026-02-01"
    assert api.available() == 12


def test_a_catalogue_takes_effect_at_its_instant_and_not_before(api):
    text = newer(old="effective_from = 2026-01-01T00:00:00Z", new="effective_from = 2026-03-01T00:00:00Z")
    assert load(api, text).json["edition"]["in_force"] is False
    assert in_force(api) == "2026-01-01"
    api.at("2026-02-28T23:59:59.999Z")
    assert in_force(api) == "2026-01-01"
    api.at("2026-03-01T00:00:00Z")
    assert in_force(api) == "2026-02-01"


def test_the_same_catalogue_again_is_no_second_edition(api):
    text = newer()
    assert load(api, text).status == 201
    api.at("2026-02-11T12:00:00Z")
    again = load(api, "# a remark changes nothing\n" + text)
    assert (again.status, again.json["changes"], again.json["edition"]["number"]) == (200, [], 2)
    assert again.json["edition"]["loaded_at"] == NOON
    assert versions(api) == ["2026-01-01", "2026-02-01"]


@pytest.mark.parametrize("dry_run", ["", "?dry_run=true"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (newer("2026-01-01", old="allowance = 10\n", new="allowance = 12\n"), "plans.tiny.allowance: 10 → 12"),
        (newer("2025-12-31", old="allowance = 10\n", new="allowance = 12\n"), "plans.tiny.allowance: 10 → 12"),
        (newer(old="[plans.tiny]", new="[plans.small]"), "drops plans that companies have: tiny"),
    ],
)
def test_defect_12_what_is_refused_is_refused_in_a_dry_run_too(api, dry_run, text, said):
    reply = load(api, text, dry_run)
    assert (reply.status, reply.code) == (422, "invalid")
    assert said in reply.json["detail"]
    assert reply.json["errors"]
    assert versions(api) == ["2026-01-01"]


def test_mistakes_are_told_in_russian_too(api):
    text = newer(old="allowance = 10\n", new='allowance = "ten"\n') + "\n[plans.other]\nprice = 3\n"
    problem = load(api, text, headers={"Accept-Language": "ru"}).json
    assert re.match(
        r"В каталоге 3 ошибки; первая: строка \d+: plans.tiny.allowance: нужно: целое число", problem["detail"]
    )
    assert not [one for one in problem["errors"] if re.search("needed|missing", one["message"])]
    same = load(
        api, newer("2026-01-01", old="allowance = 10\n", new="allowance = 12\n"), headers={"Accept-Language": "ru"}
    )
    assert same.json["detail"].startswith("Каталог: catalogue.version: нужна новая версия")
    assert "plans.tiny.allowance: 10 → 12" in same.json["detail"]


def test_each_mistake_is_named_with_its_line_and_field(api):
    reply = load(api, newer(old="allowance = 10\n", new='allowance = "ten"\n') + "\n[plans.other]\nprice = 3\n")
    assert (reply.status, reply.code) == (422, "invalid")
    fields = [one["field"] for one in reply.json["errors"]]
    line = TEXT.splitlines().index("allowance = 10") + 1
    assert fields[0] == f"line {line}: plans.tiny.allowance"
    assert len(fields) == 3


@pytest.mark.parametrize(
    ("raw", "headers", "said"),
    [
        (TEXT.encode() + b"\n# \xff\n", {}, "not UTF-8"),
        (TEXT.encode(), {"Content-Type": "application/json"}, "Send Content-Type: application/toml"),
        (TEXT.encode(), {"Content-Type": ""}, "Send Content-Type: application/toml"),
    ],
)
def test_a_body_that_is_no_toml_text_is_malformed(api, raw, headers, said):
    reply = load(api, raw, headers=headers)
    assert (reply.status, reply.code) == (400, "malformed")
    assert said in reply.json["detail"]


def test_the_type_may_name_its_character_set(api):
    assert load(api, newer(), headers={"Content-Type": "application/TOML; charset=utf-8"}).status == 201


def test_a_catalogue_of_more_than_a_mebibyte_is_too_large(api):
    reply = load(api, newer() + "#" * 1_048_576)
    assert (reply.status, reply.code) == (413, "body_too_large")


def test_the_editions_come_in_pages_oldest_first(api):
    for month in ("02", "03", "04"):
        assert load(api, newer(f"2026-{month}-01")).status == 201
    first = api.get("/v1/catalogues?limit=3").json
    assert [one["number"] for one in first["items"]] == [1, 2, 3]
    rest = api.get(f"/v1/catalogues?limit=3&after={first['next']}").json
    assert ([one["version"] for one in rest["items"]], rest["next"]) == (["2026-04-01"], None)
    assert [one["in_force"] for one in (*first["items"], *rest["items"])] == [False, False, False, True]


def test_only_the_operator_loads_and_lists(api):
    for role in ("admin", "app", "member", "auditor"):
        assert load(api, newer(), as_=role).code == "forbidden"
        assert api.get("/v1/catalogues", as_=role).code == "forbidden"


def dry(api, text: str, query: str = ""):
    reply = load(api, text, f"?dry_run=true{query}")
    assert reply.status == 200, reply
    return reply.json


def test_a_dry_run_writes_nothing_and_says_when_it_would_take_effect(api):
    said = dry(api, newer())
    assert said["dry_run"] is True
    assert said["edition"] == {
        "number": None,
        "id": "small",
        "version": "2026-02-01",
        "effective_at": NOON,
        "loaded_at": None,
        "in_force": False,
    }
    assert said["changes"] == load(api, newer()).json["changes"]


CHATS_COST_4 = newer(old="base = 1\n", new="base = 4\n")
MARCH = "2026-03-03T12:00:00Z"


def work_a_month(api, company: str = "acme") -> None:
    """Of ten a month: three chats of 1, a site of 5 that was held, a chat; and a site for which nothing is left."""
    for _ in range(3):
        api.charge(company)
    held = api.post(f"/v1/companies/{company}/holds", {"action": "site", "quantities": {"images": 1}})
    path = f"/v1/companies/{company}/holds/{held.json['id']}/capture"
    assert api.post(path, {"quantities": {"images": 2}}).json["cost"] == 5
    api.charge(company)
    too_much = {"action": "site", "quantities": {"images": 1}}
    assert api.post(f"/v1/companies/{company}/charges", too_much).code == "insufficient_requests"


def sums(calls: int, requests: int) -> dict[str, int]:
    return {"calls": calls, "requests": requests, "written_off": 0}


def test_a_dry_run_tells_what_last_month_would_have_cost_and_declined(api):
    """A chat for 4: two of them run, the third finds 2 left, and so do the site and the last chat."""
    work_a_month(api)
    api.at(MARCH)
    api.charge()
    (acme,) = dry(api, CHATS_COST_4)["last_month"]["items"]
    assert acme == {
        "company": "acme",
        "plan": "tiny",
        "start": "2026-02-01T00:00:00.000Z",
        "end": "2026-03-01T00:00:00.000Z",
        "before": sums(5, 9),
        "after": sums(2, 8),
        "declined": [{"reason": "insufficient_requests", "count": 1}],
        "newly_declined": [{"reason": "insufficient_requests", "count": 3}],
    }


def test_under_the_same_prices_last_month_is_what_the_statistics_say(api):
    work_a_month(api)
    said = api.get("/v1/companies/acme/usage?from=2026-02-01&to=2026-03-01").json["total"]
    api.at(MARCH)
    (acme,) = dry(api, newer())["last_month"]["items"]
    assert acme["before"] == acme["after"] == sums(said["calls"], said["requests"])
    assert acme["newly_declined"] == []


def test_boosts_pay_in_a_dry_run_as_they_would_have_paid(api):
    assert api.post("/v1/companies/acme/boosts", {"boost": "boost_20"}).status == 201
    for _ in range(5):
        api.charge()
    api.at(MARCH)
    (acme,) = dry(api, CHATS_COST_4)["last_month"]["items"]
    assert (acme["after"], acme["newly_declined"]) == (sums(5, 20), [])


def test_calls_that_the_catalogue_does_not_know_any_more_are_told_by_their_code(api):
    work_a_month(api)
    api.at(MARCH)
    text = newer(old="[actions.site]", new="[actions.page]")
    (acme,) = dry(api, text)["last_month"]["items"]
    assert (acme["after"], acme["newly_declined"]) == (sums(4, 4), [{"reason": "unknown_action", "count": 1}])


def test_a_company_whose_plan_of_then_is_dropped_is_reckoned_on_its_present_one(api):
    api.make_company("beta", plan="textual")
    for _ in range(12):
        api.charge("beta")
    api.at(MARCH)
    change = {"plan": "tiny"}
    assert api.post("/v1/companies/beta/plan-changes", change).status == 201
    text = newer(old="[plans.textual]", new="[plans.written]")
    (beta,) = dry(api, text)["last_month"]["items"]
    assert (beta["plan"], beta["before"], beta["after"]) == ("tiny", sums(12, 12), sums(10, 10))


def test_the_companies_of_a_dry_run_come_in_pages_with_the_sums_of_each(api):
    for name in ("a", "b", "c", "idle"):
        api.make_company(name)
    for name in ("a", "b", "c"):
        work_a_month(api, name)
    api.at(MARCH)
    first = dry(api, CHATS_COST_4, "&limit=2")["last_month"]
    assert ([one["company"] for one in first["items"]], first["next"]) == (["a", "b"], "b")
    assert first["total"] == {
        "companies": 2,
        "before": sums(10, 18),
        "after": sums(4, 16),
        "declined": [{"reason": "insufficient_requests", "count": 2}],
        "newly_declined": [{"reason": "insufficient_requests", "count": 6}],
    }
    rest = dry(api, CHATS_COST_4, "&limit=2&after=b")["last_month"]
    assert ([one["company"] for one in rest["items"]], rest["next"]) == (["c"], None)


def test_only_a_dry_run_has_pages(api):
    reply = load(api, newer(), "?after=acme")
    assert (reply.status, reply.code, reply.json["errors"][0]["field"]) == (422, "invalid", "after")
    assert versions(api) == ["2026-01-01"]
