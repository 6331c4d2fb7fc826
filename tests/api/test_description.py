"""What the API says about itself: ``/openapi.json``, ``/docs`` and ``docs/api.md`` know every call and every code."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from kvota.api.problems import STATUS
from kvota.api.registry import operations

GUIDE = Path(__file__).parents[2] / "docs" / "api.md"


@pytest.fixture
def document(api):
    return api.get("/openapi.json").json


def references(value):
    if isinstance(value, dict):
        for name, item in value.items():
            if name == "$ref":
                yield item
            else:
                yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def test_every_call_is_in_the_document_and_nothing_else(document):
    said = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert said == {(operation.method, operation.path) for operation in operations()}
    assert document["openapi"].startswith("3.1.")


def test_every_reference_leads_somewhere(document):
    for reference in set(references(document)):
        found = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        assert found


def test_every_call_declares_its_parameters_and_refusals(document):
    for operation in operations():
        said = document["paths"][operation.path][operation.method.lower()]
        in_path = {one["name"] for one in said["parameters"] if one["in"] == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", operation.path))
        declared = {int(status) for status in said["responses"]}
        assert {405, 422, *operation.statuses} <= declared
        assert {STATUS[code] for code in operation.codes} <= declared
        assert ({401, 403} <= declared) == (operation.roles is not None)
        has_body = operation.body is not None or operation.media is not None
        assert (413 in declared) == has_body == ("requestBody" in said)
        names = {one["name"] for one in said["parameters"] if one["in"] == "header"}
        assert ("Idempotency-Key" in names) == operation.takes_key


def test_the_bounds_of_fields_are_declared(document):
    schemas = document["components"]["schemas"]
    assert schemas["HoldRequest"]["properties"]["ttl"]["anyOf"][0] == {
        "type": "integer", "minimum": 1, "maximum": 86_400,
    }  # fmt: skip
    assert schemas["HoldRequest"]["additionalProperties"] is False
    entries = document["paths"]["/v1/companies/{company}/entries"]["get"]["parameters"]
    limit = next(one for one in entries if one["name"] == "limit")
    assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}
    assert r"\Z" not in str(document)


def test_replies_are_as_the_document_says(api, document):
    """The names of each reply, at least, are those of its schema."""
    schemas = document["components"]["schemas"]
    charge = api.charge()
    hold = api.post("/v1/companies/acme/holds", {"action": "call"}).json
    balance = api.get("/v1/companies/acme/balance").json
    entry = api.get("/v1/companies/acme/entries").json["items"][0]
    for name, reply in (("Charge", charge), ("Hold", hold), ("Balance", balance), ("Entry", entry)):
        assert list(schemas[name]["properties"]) == list(reply)


class _Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.links, self.ids, self.tags = [], set(), set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        for name, value in attrs:
            if name in ("href", "src", "action", "data", "srcset"):
                self.links.append(value)
            if name == "id":
                self.ids.add(value)


def test_the_page_needs_nothing_from_elsewhere(api):
    reply = api.get("/docs")
    page = _Links()
    page.feed(reply.content.decode())
    assert not page.tags & {"script", "link", "img", "iframe", "object", "embed"}
    assert all(link == "/openapi.json" or link.removeprefix("#") in page.ids for link in page.links)
    assert not re.search(r"@import|url\(", reply.content.decode())
    assert "default-src 'none'" in reply.headers["content-security-policy"]


def test_the_page_shows_every_call_and_every_code(api):
    page = _Links()
    page.feed(api.get("/docs").content.decode())
    assert {operation.name for operation in operations()} <= page.ids
    assert set(STATUS) <= page.ids


def test_the_guide_names_every_call_and_every_code():
    text = GUIDE.read_text()
    for operation in operations():
        path = operation.path.removeprefix("/v1/companies/{company}").removeprefix("/v1")
        assert re.search(rf"`{operation.method} [^`]*{re.escape(path)}`", text), (operation.method, operation.path)
    for code in STATUS:
        assert f"`{code}`" in text, code
