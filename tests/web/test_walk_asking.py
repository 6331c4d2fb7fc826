"""In a real browser: a member is declined, asks for more, his administrator grants it, and his next call passes."""

import re
from collections.abc import Iterator

import httpx2
import pytest

from tests.web.demo import Demo

CALL = {"action": "chat_question", "user": "anna"}


class Company:
    """The demo company over HTTP, with the keys that the demo told."""

    def __init__(self, demo: Demo) -> None:
        told = "\n".join(demo.server.lines)
        self._keys = dict(re.findall(r"^(\w+) key: +(kv_\S+)$", told, re.MULTILINE))
        self._url = f"{demo.url.rstrip('/')}/v1/companies/acme"

    def call(self, method: str, path: str, body: object = None, role: str = "admin") -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self._keys[role]}"}
        return httpx2.request(method, f"{self._url}/{path}", json=body, headers=headers)


@pytest.fixture
def company(demo: Demo) -> Iterator[Company]:
    """A limit of nothing for the member; it is gone afterwards."""
    company = Company(demo)
    limit = {"scope": {"user": "anna"}, "requests": 0, "per": "day"}
    assert company.call("PUT", "caps/annas", limit).status_code == 201
    yield company
    assert company.call("DELETE", "caps/annas").status_code == 204


def test_a_member_who_is_declined_asks_is_granted_more_and_goes_on(demo: Demo, company: Company):
    assert company.call("POST", "charges", CALL, "app").json()["code"] == "cap_reached"
    member, of_member = demo.open("member", "en")
    member.goto("/mine")
    member.select_option("#action", "chat_question")
    member.wait_for_selector("#quote .warning")
    member.click("text=Show the cost")
    member.wait_for_selector("input[name=reason][value=cap_reached]", state="attached")
    member.fill("#wanted", "5")
    member.fill("#text", "Twelve letters by noon")
    member.click("text=Send to the administrator")
    member.wait_for_selector("text=Your administrator sees the appeal now.")

    admin, of_admin = demo.open("admin", "ru")
    admin.goto("/companies/acme")
    admin.wait_for_selector("[hx-trigger=load]", state="detached")  # who leaves before breaks its asking off
    admin.click("nav >> text=Заявки")
    card = admin.locator("section", has_text="Twelve letters by noon")
    card.get_by_label("Какое ограничение").select_option("annas")
    card.get_by_label("Запросов", exact=True).fill("5")
    card.get_by_label("За период").select_option("day")
    card.get_by_label("Ответ сотруднику").first.fill("До вечера")
    card.get_by_text("Удовлетворить").click()
    admin.wait_for_selector("text=Заявка удовлетворена.")

    assert company.call("POST", "charges", CALL, "app").status_code == 201
    member.goto("/mine")
    assert "До вечера" in member.inner_text("main")
    assert of_member.problems + of_admin.problems == []
    member.close()
    admin.close()


def test_the_calculator_reckons_while_numbers_are_typed(demo: Demo):
    page, seen = demo.open(None, "en")
    page.goto("/prices")
    page.fill("#chat_question", "150")
    page.wait_for_selector("#estimate >> text=150 × 1 = 150")
    page.fill("[id='site_creation']", "2")
    page.fill("[id='site_creation.images']", "9")
    page.wait_for_selector("#estimate >> text=2 × 12 = 24")
    assert "What fits" in page.inner_text("#estimate")
    assert seen.problems == []
    page.close()
