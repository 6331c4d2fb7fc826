"""Kvota as an application: installed, followed, opened in the portal's menu, and removed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from kvota.stores import open_store
from tests.bitrix24.portal import Portal
from tests.bitrix24.rig import Rig
from tests.upstreams.service import AiService


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """A server with the application, which no portal has installed yet."""
    with Portal() as portal:
        service = AiService()
        portal.run(service.__aenter__())
        more = {
            "KVOTA_BITRIX24_CLIENT_ID": portal.tokens.client_id,
            "KVOTA_BITRIX24_CLIENT_SECRET": portal.tokens.client_secret,
            "KVOTA_BITRIX24_OAUTH": portal.url,
        }
        found = Rig(tmp_path, f"sqlite:///{tmp_path}/kvota.db", portal, service, **more)
        found.serve_publicly()
        try:
            found.start()
            yield found
            assert portal.violations == []
        finally:
            found.server.kill()
            portal.run(service.__aexit__())


@pytest.fixture
def company(rig: Rig) -> str:
    """The company of a portal that has just installed it."""
    assert rig.portal.event(f"{rig.server.url}/bitrix24/events", "ONAPPINSTALL") == 200
    rig.portal.until(lambda: bool(rig.portal.methods.placements))
    return f"b24-{rig.portal.member_id}"


def get(rig: Rig, company: str, path: str = "") -> Any:
    reply = rig.server.call("GET", f"/v1/companies/{company}{path}")
    assert reply.status == 200, reply
    return reply.body


def test_an_installation_makes_the_company_registers_the_engines_and_binds_the_menu(rig: Rig, company: str) -> None:
    found = get(rig, company)
    assert (found["plan"], found["locale"], found["name"]) == ("basic", "ru", rig.portal.host)
    assert len(rig.portal.methods.engines) == 7
    (place,) = rig.portal.methods.placements
    assert (place["PLACEMENT"], place["HANDLER"]) == ("LEFT_MENU", f"{rig.server.url}/bitrix24/menu")
    people = get(rig, company, "/users?limit=1000")["items"]
    assert len(people) == 120
    assert {one["department"] for one in people} == {"Продажи", "Поддержка"}


def test_a_request_counts_for_who_asked_and_his_department(rig: Rig, company: str) -> None:
    rig.portal.answer(rig.portal.engine("_texts"), prompt="Hi", user=7)
    rig.idle()
    (entry,) = get(rig, company, "/entries?kind=captured")["items"]
    assert (entry["user"], entry["department"]) == ("7", "Поддержка")


def test_a_plan_that_the_portal_changes_is_followed_and_the_operators_own_stays(rig: Rig, company: str) -> None:
    rig.portal.methods.license = "ru_pro100"
    assert rig.portal.event(f"{rig.server.url}/bitrix24/events", "ONAPPINSTALL") == 200
    rig.portal.until(lambda: get(rig, company)["plan"] == "professional")
    assert rig.server.call("POST", f"/v1/companies/{company}/plan-changes", {"plan": "standard"}).status == 201
    rig.portal.methods.users[0]["NAME"] = "Другое"
    assert rig.portal.event(f"{rig.server.url}/bitrix24/events", "ONAPPINSTALL") == 200
    rig.portal.until(lambda: get(rig, company, "/users/1")["name"].startswith("Другое"))
    assert get(rig, company)["plan"] == "standard"


def test_an_event_with_another_token_is_refused(rig: Rig, company: str) -> None:
    events = f"{rig.server.url}/bitrix24/events"
    for name in ("ONAPPINSTALL", "ONAPPUNINSTALL"):
        assert rig.portal.event(events, name, application_token="f" * 32) == 403
    assert rig.portal.event(events, "ONAPPUNINSTALL", member_id="0" * 32) == 403
    assert rig.portal.event(events, "ONAPPPAYMENT") == 403
    assert len(rig.portal.methods.engines) == 7
    assert rig.portal.answer(rig.portal.engine("_texts"), prompt="Still here?") == "Hello, world!"


def test_a_token_of_another_application_installs_nothing(rig: Rig) -> None:
    rig.portal.methods.application = "local.other"
    assert rig.portal.event(f"{rig.server.url}/bitrix24/events", "ONAPPINSTALL") == 403
    rig.portal.methods.application = rig.portal.tokens.client_id
    assert rig.portal.event(f"{rig.server.url}/bitrix24/events", "ONAPPINSTALL", access_token="made-up") == 403
    assert rig.portal.event(f"{rig.server.url}/bitrix24/events", "ONAPPINSTALL", domain="evil.example") == 403
    assert rig.server.call("GET", "/v1/companies").body["items"] == []


def test_a_portal_that_removes_the_application_is_forgotten_and_its_ledger_stays(rig: Rig, company: str) -> None:
    rig.portal.answer(rig.portal.engine("_texts"), prompt="Hi")
    rig.idle()
    texts = rig.portal.engine("_texts")
    assert rig.portal.event(f"{rig.server.url}/bitrix24/events", "ONAPPUNINSTALL") == 200
    rig.portal.until(lambda: httpx2.get(texts["COMPLETIONS_URL"]).status_code == 404)
    store = open_store(rig.store)
    try:
        assert store.portals("", 10) == []
    finally:
        store.close()
    assert len(get(rig, company, "/entries?kind=captured")["items"]) == 1


def test_tokens_that_have_expired_are_renewed(rig: Rig, company: str) -> None:
    rig.portal.tokens.pass_time(3601)
    rig.portal.methods.license = "ru_std"
    store = open_store(rig.store)
    try:
        before = store.portal(rig.portal.member_id)
        rig.server.kill()
        rig.server.start()  # it asks the portal as soon as it starts
        rig.portal.until(lambda: get(rig, company)["plan"] == "standard")
        after = store.portal(rig.portal.member_id)
    finally:
        store.close()
    assert before is not None
    assert after is not None
    assert before.access_token != after.access_token
    assert before.refresh_token != after.refresh_token


def test_the_menu_signs_people_in_and_lets_the_portal_alone_frame_the_pages(rig: Rig, company: str) -> None:
    menu = f"{rig.server.url}/bitrix24/menu"
    for user in (1, 7):
        status, headers = rig.portal.open_menu(menu, user)
        assert (status, headers["location"]) == (303, "/")
        name, _, secret = headers["set-cookie"].partition(";")[0].partition("=")
        with httpx2.Client(cookies={name: secret}, follow_redirects=True) as browser:
            page = browser.get(rig.server.url + "/")
        assert page.status_code == 200
        assert f"frame-ancestors {rig.portal.url}" in page.headers["content-security-policy"]


def test_nobody_is_signed_in_whom_the_portal_does_not_know(rig: Rig, company: str) -> None:
    menu = f"{rig.server.url}/bitrix24/menu"
    for changed in (
        {"AUTH_ID": "made-up"}, {"member_id": "0" * 32}, {"DOMAIN": "evil.example"}, {"DOMAIN": "127.0.0.1:1"},
    ):  # fmt: skip
        status, headers = rig.portal.open_menu(menu, 1, **changed)
        assert (status, "set-cookie" in headers) == (403, False)
    assert httpx2.get(menu).status_code == 403


def test_a_message_tells_once_that_most_of_the_package_is_used(rig: Rig, company: str) -> None:
    rig.server.call("POST", f"/v1/companies/{company}/adjustments", {"amount": 85, "reason": "a test"})
    for _ in range(2):
        assert rig.portal.event(f"{rig.server.url}/bitrix24/events", "ONAPPINSTALL") == 200
        rig.portal.until(lambda: len(rig.portal.methods.notified) == 1)
    ((user, message),) = rig.portal.methods.notified
    assert (user, "80%" in message, "15 запросов" in message) == (1, True, True)
    rig.server.call("POST", f"/v1/companies/{company}/adjustments", {"amount": 15, "reason": "a test"})
    assert rig.portal.event(f"{rig.server.url}/bitrix24/events", "ONAPPINSTALL") == 200
    rig.portal.until(lambda: len(rig.portal.methods.notified) == 2)
    assert "100%" in rig.portal.methods.notified[1][1]
