"""Appeals: who was declined asks for more, and is granted it as a cap or an order, or refused."""

import sqlite3
from pathlib import Path

import pytest

from kvota import Kvota
from kvota.asgi.granting import order_for
from tests.acceptance.servers import serving

ACME = "/v1/companies/acme"
APPEALS = f"{ACME}/appeals"
CHAT = {"action": "chat_question", "user": "ivan"}


def ask(api, as_="member", **body):
    return api.post(APPEALS, body, as_=as_)


def answer(api, appeal, how, as_="admin", **body):
    return api.post(f"{APPEALS}/{appeal}/{how}", body, as_=as_)


def test_who_was_declined_asks_is_granted_a_cap_and_his_next_call_passes(api):
    api.put(f"{ACME}/caps/each", {"scope": {"users": "each"}, "requests": 0, "per": "day"})
    declined = api.post(f"{ACME}/charges", CHAT).json
    assert (declined["reason"], declined["cap"]) == ("cap_reached", "each")
    about = {"action": "chat_question", "reason": "cap_reached", "cap": "each"}
    made = ask(api, text="A report is due", wanted=5, **about)
    assert (made.status, made.json["status"], made.json["user"]) == (201, "open", "ivan")
    assert {name: made.json[name] for name in about} == about
    granted = answer(
        api, made.json["id"], "grant", cap_change={"requests": 5, "per": "day"}, answer="Until tomorrow"
    ).json
    assert (granted["status"], granted["set_cap"], granted["answer"]) == ("granted", made.json["id"], "Until tomorrow")
    assert api.get(f"{ACME}/caps").json["items"][0]["scope"] == {"user": "ivan"}
    assert api.post(f"{ACME}/charges", CHAT).status == 201


def test_a_cap_of_his_own_is_changed_and_a_named_one_keeps_its_scope(api):
    api.put(f"{ACME}/caps/own", {"scope": {"user": "ivan"}, "requests": 1, "per": "week"})
    api.put(f"{ACME}/caps/sales", {"scope": {"department": "sales"}, "requests": 1, "per": "month"})
    first = ask(api).json["id"]
    assert answer(api, first, "grant", cap_change={"requests": 9}).json["set_cap"] == "own"
    second = ask(api).json["id"]
    assert answer(api, second, "grant", cap_change={"cap": "sales", "requests": 7}).json["set_cap"] == "sales"
    caps = {cap["id"]: (cap["scope"], cap["requests"], cap["per"]) for cap in api.get(f"{ACME}/caps").json["items"]}
    assert caps == {"own": ({"user": "ivan"}, 9, "week"), "sales": ({"department": "sales"}, 7, "month")}
    third = ask(api).json["id"]
    assert answer(api, third, "grant", cap_change={"cap": "nothing", "requests": 7}).code == "not_found"
    assert api.get(f"{APPEALS}?status=open").json["items"][0]["id"] == third


def test_a_boost_is_ordered_once_however_often_it_is_granted(api):
    made = ask(api, wanted=100).json["id"]
    boost = next(iter(api.get("/v1/catalogue").json["boosts"]))
    granted = answer(api, made, "grant", boost=boost).json
    again = answer(api, made, "grant", boost=boost)
    assert (again.status, again.json) == (200, granted)
    assert [one["id"] for one in api.get(f"{ACME}/orders").json["items"]] == [granted["order"]]
    assert (granted["status"], granted["set_cap"]) == ("granted", None)


def test_an_order_that_was_placed_before_the_process_ended_is_found_again(api):
    """Between the order and the closing lies the only gap: what a killed server leaves behind is an open appeal."""
    made = ask(api).json["id"]
    boost = next(iter(api.get("/v1/catalogue").json["boosts"]))
    order = api.meter.engine.execute(order_for("acme", made, boost, by="key_1")).reply.order.id
    assert api.get(f"{APPEALS}?status=open").json["items"][0]["id"] == made
    assert answer(api, made, "grant", boost=boost).json["order"] == order
    assert len(api.get(f"{ACME}/orders").json["items"]) == 1


def test_a_refused_appeal_stays_refused_and_tells_so_in_both_languages(api):
    made = ask(api).json["id"]
    refused = answer(api, made, "refuse", answer="Next month").json
    assert (refused["status"], refused["answer"]) == ("refused", "Next month")
    assert answer(api, made, "refuse", answer="Never").json == refused
    for language, words in (("en", "was refused"), ("ru", "уже ответили")):
        reply = api.post(f"{APPEALS}/{made}/grant", {"cap_change": {"requests": 1}}, language=language)
        assert (reply.status, reply.code) == (409, "appeal_closed")
        assert words in reply.json["detail"]


def test_a_person_has_one_open_appeal_and_asking_again_changes_what_it_says(api):
    first = ask(api, text="Please", wanted=5)
    again = ask(api, text="Please!", wanted=7)
    assert (first.status, again.status) == (201, 200)
    assert again.json == {**first.json, "text": "Please!", "wanted": 7}
    assert ask(api, as_="app", user="olga").status == 201
    assert len(api.get(APPEALS).json["items"]) == 2
    answer(api, first.json["id"], "refuse")
    assert ask(api).json["id"] != first.json["id"]


def test_a_member_asks_and_sees_for_himself_only(api):
    ask(api, as_="app", user="olga", text="Hers")
    mine = ask(api, text="Mine").json
    assert api.get(APPEALS, as_="member").json["items"] == [mine]
    assert api.get(f"{APPEALS}?user=olga", as_="member").code == "forbidden"
    assert ask(api, user="olga").code == "forbidden"
    assert ask(api, as_="admin", text="Whose?").json["errors"][0]["field"] == "user"


@pytest.mark.parametrize(
    "body", [{}, {"cap_change": {"requests": 1}, "boost": "b"}, {"cap_change": {}}, {"boost": "no_such"}]
)
def test_what_grants_nothing_or_two_things_is_refused_and_the_appeal_stays_open(api, body):
    made = ask(api).json["id"]
    reply = api.post(f"{APPEALS}/{made}/grant", body)
    assert reply.status == 422
    assert api.get(APPEALS).json["items"][0]["status"] == "open"


def test_pages_go_on_where_the_one_before_ended(api):
    made = [ask(api, as_="app", user=f"u{number}").json["id"] for number in range(5)]
    seen, after = [], ""
    while after is not None:
        page = api.get(f"{APPEALS}?limit=2&after={after}").json
        seen += [one["id"] for one in page["items"]]
        after = page["next"]
    assert seen == made


def test_an_erased_persons_appeals_are_in_no_reply_and_no_byte_of_the_file(tmp_path: Path):
    with serving(f"sqlite:///{tmp_path}/kvota.db", tmp_path) as server:
        company = "/v1/companies/acme"
        server.call("PUT", company, {"name": "Acme", "plan": "large", "time_zone": "UTC"})
        server.call("POST", f"{company}/appeals", {"user": "ivan", "text": "Unwisely told"})
        server.call("POST", f"{company}/appeals", {"user": "ivan", "text": "Erasable words"})
        server.call("POST", f"{company}/appeals", {"user": "olga", "text": "These stay"})
        assert server.call("DELETE", f"{company}/users/ivan").status == 204
        assert [one["text"] for one in server.call("GET", f"{company}/appeals").body["items"]] == ["These stay"]
    with sqlite3.connect(tmp_path / "kvota.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = (tmp_path / "kvota.db").read_bytes()
    assert b"These stay" in content
    assert b"Erasable words" not in content
    assert b"Unwisely told" not in content


def test_the_library_asks_and_grants_too(api):
    kvota = Kvota(api.meter)
    made = kvota.appeal("acme", user="ann", wanted=3, declined={"action": "chat_question", "reason": "cap_reached"})
    assert (made.action, made.reason, made.cap) == ("chat_question", "cap_reached", None)
    assert list(kvota.appeals("acme", status="open")) == [made]
    assert kvota.grant_appeal("acme", made.id, cap_change={"requests": 3, "per": "day"}).set_cap == made.id
    other = kvota.appeal("acme", user="ann")
    assert kvota.refuse_appeal("acme", other.id, answer="No").status == "refused"
