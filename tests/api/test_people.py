"""The users' directory: what it keeps, who may see it, what usage takes, and what is left of an erased person."""

import sqlite3
from pathlib import Path

import pytest

from kvota import Kvota
from tests.acceptance.servers import serving

ACME = "/v1/companies/acme"
USERS = f"{ACME}/users"
IVAN = {"name": "Иван Петров", "email": "ivan@почта.рф", "department": "sales"}
USAGE = f"{ACME}/usage?from=2026-02-01&to=2026-03-01"


def hire(api, user="ivan", **person):
    return api.put(f"{USERS}/{user}", person)


def spent_by(api, by):
    return [(row[by], row["requests"]) for row in api.get(f"{USAGE}&by={by}").json["rows"]]


def test_a_person_is_added_changed_shown_and_listed(api):
    added = hire(api, **IVAN)
    assert (added.status, added.json) == (201, {"id": "ivan", **IVAN})
    changed = hire(api, email=None, name="Ivan")
    assert (changed.status, changed.json) == (200, {"id": "ivan", "name": "Ivan", "email": None, "department": "sales"})
    assert hire(api).json == changed.json == api.get(f"{USERS}/ivan").json
    assert hire(api, "olga").json == {"id": "olga", "name": None, "email": None, "department": None}
    first = api.get(f"{USERS}?limit=1").json
    assert (first["items"], first["next"]) == ([changed.json], "ivan")
    rest = api.get(f"{USERS}?after=ivan").json
    assert ([one["id"] for one in rest["items"]], rest["next"]) == (["olga"], None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", "x" * 201), ("name", "a\nb"), ("name", 7), ("department", "x" * 65), ("department", ""),
        ("email", "ivan"), ("email", "a b@c.ru"), ("email", "a@@b.ru"), ("email", "a@b..ru"), ("email", "@b.ru"),
        ("email", "a@" + "b." * 130 + "ru"), ("phone", "1"),
    ],
)  # fmt: skip
def test_what_is_no_name_address_or_department_is_refused_by_its_field(api, field, value):
    for language, rule in (("en", "such as ivan@example.com"), ("ru", "например ivan@example.com")):
        reply = api.put(f"{USERS}/ivan", {field: value}, language=language)
        assert (reply.code, reply.json["errors"][0]["field"]) == ("invalid", field)
        assert field != "email" or rule in reply.json["detail"]
    assert api.get(f"{USERS}/ivan").code == "not_found"


def test_ids_and_companies_that_cannot_be_are_refused(api):
    assert api.put(f"{USERS}/two%20words", {}).code == "invalid"
    assert api.get(f"{USERS}/two%20words").code == "not_found"
    for method in ("GET", "PUT", "DELETE"):
        assert api.call(method, "/v1/companies/nobody/users/ivan").code == "company_not_found"
    assert api.get("/v1/companies/nobody/users").code == "company_not_found"


def test_erasing_is_done_once_and_then_there_is_nobody(api):
    hire(api, **IVAN)
    assert api.delete(f"{USERS}/ivan", as_="admin").status == 204
    gone = api.delete(f"{USERS}/ivan", language="ru")
    assert (gone.status, gone.code) == (404, "not_found")
    assert "«ivan» в справочнике" in gone.json["detail"]
    assert api.get(f"{USERS}/ivan").status == 404
    assert hire(api, "ivan", name="Another").status == 201


def test_each_company_has_a_directory_of_its_own(api):
    api.make_company("beta")
    hire(api, **IVAN)
    assert api.get("/v1/companies/beta/users").json["items"] == []
    assert api.charge("beta", user="ivan")["department"] is None


def test_usage_without_a_department_takes_the_users(api):
    hire(api, **IVAN)
    hire(api, "olga", name="Olga")
    assert api.charge(user="ivan")["department"] == "sales"
    assert api.charge(user="ivan", department="own")["department"] == "own"
    assert api.charge(user="olga")["department"] is None
    assert api.charge(user="unknown")["department"] is None
    assert api.charge()["department"] is None
    held = api.post(f"{ACME}/holds", {"action": "call", "user": "ivan"}).json
    assert held["department"] == "sales"
    hire(api, department="lab")
    captured = api.post(f"{ACME}/holds/{held['id']}/capture", {}).json
    assert captured["department"] == "sales"
    operations = [
        {"op": "charge", "company": "acme", "action": "chat_question", "user": user} for user in ("ivan", "olga")
    ]
    results = api.post("/v1/batch", {"operations": operations}).json["results"]
    assert [one["body"]["department"] for one in results] == ["lab", None]
    entries = api.get(f"{ACME}/entries?user=ivan").json["items"]
    assert [one["department"] for one in entries] == ["sales", "own", "sales", "sales", "lab"]


def test_a_cap_of_the_department_holds_for_its_people_in_quotes_and_charges(api):
    hire(api, **IVAN)
    api.charge(user="olga", department="sales")
    api.put(f"{ACME}/caps/sales", {"scope": {"department": "sales"}, "requests": 2, "per": "day"})
    quote = f"{ACME}/quotes"
    assert api.post(quote, {"action": "chat_question", "user": "ivan"}).json["approved"] is True
    api.charge(user="ivan")
    for as_ in ("app", "member"):
        declined = api.post(quote, {"action": "chat_question", "user": "ivan"}, as_=as_).json["decline"]
        assert (declined["reason"], declined["cap"]) == ("cap_reached", "sales")
    assert api.post(f"{ACME}/charges", {"action": "chat_question", "user": "ivan"}).code == "cap_reached"
    assert api.post(f"{ACME}/charges", {"action": "chat_question", "user": "olga"}).status == 201
    hire(api, department=None)
    assert api.charge(user="ivan")["department"] is None


def test_a_repeated_call_is_the_request_as_it_was_sent_wherever_its_user_has_moved(api):
    hire(api, **IVAN)
    body = {"action": "chat_question", "user": "ivan"}
    first = api.post(f"{ACME}/charges", body, key="k")
    hire(api, department="lab")
    again = api.post(f"{ACME}/charges", body, key="k")
    assert (again.json, again.headers["idempotency-replayed"]) == (first.json, "true")
    assert api.post(f"{ACME}/charges", {**body, "department": "sales"}, key="k").code == "idempotency_key_reused"


def test_defect_18_a_renamed_moved_or_erased_user_changes_no_statistics(api):
    hire(api, **IVAN)
    charge = api.charge(user="ivan", subject="call:1", action="call")
    held = api.post(f"{ACME}/holds", {"action": "chat_question", "user": "ivan"}).json
    seen = [api.get(f"{USAGE}&by=user,department,tool").content, api.get(f"{ACME}/entries").content]

    def is_unchanged():
        return seen == [api.get(f"{USAGE}&by=user,department,tool").content, api.get(f"{ACME}/entries").content]

    hire(api, name="Renamed", department="lab")
    assert is_unchanged()
    api.delete(f"{USERS}/ivan")
    assert is_unchanged()
    hire(api, name="Somebody else with the id", department="board")
    assert is_unchanged()
    # what belongs to the old call goes on counting where the call was counted
    api.post(f"{ACME}/holds/{held['id']}/capture", {})
    api.post(f"{ACME}/charges/{charge['id']}/refund", {})
    api.charge(user="ivan")
    rows = api.get(f"{USAGE}&by=user,department").json["rows"]
    assert [(row["department"], row["requests"], row["refunded"]) for row in rows] == [
        ("board", 1, 0), ("sales", 3, 2),
    ]  # fmt: skip
    assert spent_by(api, "user") == [("ivan", 4)]


def test_an_erased_persons_data_is_in_no_reply_entry_log_or_byte_of_the_file(tmp_path: Path):
    """Also not in what a page of the file keeps of rows that were deleted or replaced."""
    store = f"sqlite:///{tmp_path}/kvota.db"
    before, after = "Prior Q. Nameholder", "Erasable P. Person"
    with serving(store, tmp_path) as server:
        company = "/v1/companies/acme"
        server.call("PUT", company, {"name": "Acme", "plan": "large", "time_zone": "UTC"})
        for number in range(120):  # enough for the tree to be split, and rows to be moved
            server.call("PUT", f"{company}/users/u{number}", {"name": f"Colleague {number} " + "x" * 150})
            if number == 60:
                server.call("PUT", f"{company}/users/u1000", {"name": before, "email": "prior@example.com"})
        person = {"name": after, "email": "erasable@example.com", "department": "sales"}
        assert server.call("PUT", f"{company}/users/u1000", person).status == 200
        server.call("POST", f"{company}/charges", {"action": "chat_question", "user": "u1000"}, key="k")
        assert server.call("DELETE", f"{company}/users/u1000").status == 204
        replies = [
            server.call("POST", f"{company}/charges", {"action": "chat_question", "user": "u1000"}, key="k"),
            *(
                server.call("GET", f"{company}/{path}")
                for path in ("users?limit=1000", "entries", "keys", "users/u1000")
            ),
        ]
        log = server.log.read_text()
    personal = ("Nameholder", "Erasable P.", "prior@", "erasable@")
    assert not [word for word in personal if word in str([reply.body for reply in replies]) + log]
    with sqlite3.connect(tmp_path / "kvota.db") as connection:  # what is in the log of the killed server comes over
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = (tmp_path / "kvota.db").read_bytes()
    assert b"Colleague 119" in content
    assert not [word for word in personal if word.encode() in content]


def test_the_library_keeps_the_same_directory(api):
    kvota = Kvota(api.meter)
    assert kvota.put_user("acme", "ann", name="Ann", department="lab") == kvota.get_user("acme", "ann")
    assert kvota.put_user("acme", "ann", name=None).name is None
    assert [one.id for one in kvota.users("acme")] == ["ann"]
    assert kvota.charge("acme", "chat_question", user="ann").department == "lab"
    kvota.erase_user("acme", "ann")
    assert api.get(USERS).json["items"] == []
