"""Notifications over HTTP: settings, webhooks with their secret shown once, the log, and both languages."""

import pytest

from kvota.core.notices import event
from kvota.records import Tried

ACME = "/v1/companies/acme"
SET = f"{ACME}/notifications"
HOOKS = f"{ACME}/webhooks"
DEFAULT = {
    "levels": [50, 80, 100],
    "kinds": ["package.threshold", "forecast.runs_out", "boost.expires", "usage.unusual", "appeal.made"],
    "mail": [],
}


def make(api, url="https://example.com/hook"):
    reply = api.post(HOOKS, {"url": url}, as_="admin")
    assert reply.status == 201
    return reply.json


def test_settings_are_the_defaults_until_they_are_set_and_null_sets_them_again(api):
    assert api.get(SET, as_="admin").json == DEFAULT
    body = {"levels": [90, 10, 90], "mail": ["b@example.com", "a@example.com", "b@example.com"]}
    changed = {**DEFAULT, "levels": [10, 90], "mail": ["b@example.com", "a@example.com"]}
    assert api.put(SET, body, as_="admin").json == changed
    assert api.put(SET, {"kinds": ["appeal.made", "boost.expires"], "mail": None}).json == {
        "levels": [10, 90], "kinds": ["boost.expires", "appeal.made"], "mail": [],
    }  # fmt: skip
    assert api.put(SET, {}).json["levels"] == [10, 90]
    assert api.put(SET, {"levels": None, "kinds": None}).json == api.get(SET).json == DEFAULT


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"levels": [0]}, "levels[0]"), ({"levels": [101]}, "levels[0]"), ({"levels": "80"}, "levels"),
        ({"kinds": ["test"]}, "kinds[0]"), ({"mail": ["nobody"]}, "mail[0]"),
        ({"mail": ["a@example.com"] * 21}, "mail"),
        ({"sms": []}, "sms"),
    ],
)  # fmt: skip
def test_settings_that_are_not_allowed_are_refused(api, body, field):
    reply = api.put(SET, body)
    assert (reply.status, reply.code) == (422, "invalid")
    assert [one["field"] for one in reply.json["errors"]] == [field]


def test_a_level_that_was_set_is_told_from_the_next_charge_on(api):
    api.put(SET, {"levels": [30]})
    for _ in range(3):
        api.charge()
    assert [one.data["level"] for one in api.meter.store.told(["acme"], 0)] == [30]


def test_the_secret_of_a_webhook_is_shown_when_it_is_made_and_when_it_is_rotated(api):
    made = make(api)
    assert made["secret"].startswith("whsec_")
    (listed,) = api.get(HOOKS, as_="admin").json["items"]
    assert listed["id"] == made["id"]
    assert "secret" not in listed
    rotated = api.post(f"{HOOKS}/{made['id']}/rotate", {}, as_="admin").json
    assert rotated["id"] == made["id"]
    assert rotated["secret"] != made["secret"]
    assert api.get(HOOKS).json["items"][0]["rotated_at"] is not None
    assert api.delete(f"{HOOKS}/{made['id']}", as_="admin").status == 204
    assert api.delete(f"{HOOKS}/{made['id']}").code == "not_found"
    assert api.get(HOOKS).json == {"items": [], "next": None}


@pytest.mark.parametrize(
    ("url", "english", "russian"),
    [
        ("http://example.com/", "must begin with https://", "должен начинаться с https://"),
        ("https://10.0.0.1/", "private address 10.0.0.1", "внутренний адрес 10.0.0.1"),
        ("https://a:hidden@example.com/", "must not carry a user", "не должно быть имени и пароля"),
    ],
)
def test_a_url_that_may_not_be_called_is_refused_in_both_languages(api, url, english, russian):
    for language, words in (("en", english), ("ru", russian)):
        reply = api.post(HOOKS, {"url": url}, language=language)
        assert (reply.status, reply.code) == (422, "invalid")
        assert words in reply.json["detail"]
        assert "hidden" not in reply.content.decode()


def test_a_test_goes_to_one_webhook_and_stands_in_the_log(api):
    first, second = make(api), make(api)
    sent = api.post(f"{HOOKS}/{second['id']}/test", {}, as_="admin")
    assert sent.status == 201
    (line,) = api.get(f"{ACME}/deliveries", as_="admin").json["items"]
    assert line == sent.json
    assert (line["kind"], line["target"], line["status"], line["attempts"]) == ("test", second["id"], "waiting", 0)
    assert first["id"] != second["id"]
    assert api.post(f"{HOOKS}/whk_0/test", {}).code == "not_found"


def test_the_log_comes_page_by_page_the_latest_first_and_what_failed_is_sent_again(api):
    hook = make(api)
    store = api.meter.store
    for number in range(5):
        store.tell([event("acme", "appeal.made", f"apl_{number}", number, {"user": "ann"})])
        store.spread(9)
    lines, after = [], ""
    while after is not None:
        page = api.get(f"{ACME}/deliveries?limit=2&after={after}").json
        lines += page["items"]
        after = page["next"]
    assert len({line["id"] for line in lines}) == 5
    assert [line["id"] for line in lines] == sorted((line["id"] for line in lines), reverse=True)
    parcel = store.take("me", 1, 60_000)[0]
    store.settle([Tried(delivery=parcel.delivery, answer=500, problem="it answered 500")], 60_000)
    failed = next(line for line in api.get(f"{ACME}/deliveries").json["items"] if line["status"] == "failed")
    assert (failed["problem"], failed["answer"], failed["next_at"]) == ("it answered 500", 500, None)
    russian = api.get(f"{ACME}/deliveries", language="ru").json["items"]
    assert next(line["problem"] for line in russian if line["id"] == failed["id"]) == "пришёл ответ 500"
    again = api.post(f"{ACME}/deliveries/{failed['id']}/resend", {}, as_="admin").json
    assert (again["status"], again["event"], again["target"]) == ("waiting", failed["event"], hook["id"])
    assert api.post(f"{ACME}/deliveries/dlv_0/resend", {}).code == "not_found"


def test_the_eleventh_webhook_is_refused(api):
    for _ in range(10):
        make(api)
    reply = api.post(HOOKS, {"url": "https://example.com/"}, language="ru")
    assert reply.code == "invalid"
    assert "10 вебхуков" in reply.json["detail"]
