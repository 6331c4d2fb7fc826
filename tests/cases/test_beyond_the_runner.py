"""What the acceptance cases cannot see: headers, bytes, processes, and hashes reckoned by nobody but this file."""

import contextlib
import hashlib
import http.client
import json
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.acceptance.servers import CATALOGUE, OPERATOR_KEY, Server, environment, serving

ACME = "/v1/companies/acme"
CHARGES = f"{ACME}/charges"
CHAT = {"action": "chat_question"}


class Raw(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def send(server: Server, method: str, path: str, body: Any = None, **headers: str) -> Raw:
    """One call with these very headers and bytes; names with _ for -."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    sent = {"Authorization": f"Bearer {OPERATOR_KEY}"} | {k.replace("_", "-"): v for k, v in headers.items()}
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    connection.request(method, path, data, {name: value for name, value in sent.items() if value})
    reply = connection.getresponse()
    got = Raw(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())
    connection.close()
    return got


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    with serving(f"sqlite:///{folder}/kvota.db", folder, sandbox=True) as started:
        clock(started, "2026-02-10T10:00:00.000Z")
        yield started


def clock(server: Server, now: str) -> None:
    assert server.call("PUT", "/v1/sandbox/clock", {"now": now}).status == 200


def company(server: Server, name: str, /, **more: Any) -> str:
    body = {"name": name, "plan": "large", "time_zone": "UTC", **more}
    assert server.call("PUT", f"/v1/companies/{name}", body).status == 201
    return f"/v1/companies/{name}"


def test_a_repeated_reply_says_so_and_a_first_one_does_not(server):
    at = company(server, "repeats")
    calls: list[tuple[str, dict[str, Any]]] = [
        (f"{at}/charges", CHAT),
        (f"{at}/holds", CHAT),
        (f"{at}/orders", {"boost": "boost_20"}),
        (f"{at}/boosts", {"boost": "boost_20"}),
        (f"{at}/plan-changes", {"plan": "small"}),
        (f"{at}/adjustments", {"amount": 1, "reason": "x"}),
        (f"{at}/suspend", {}),
        (f"{at}/resume", {}),
    ]
    for number, (path, body) in enumerate(calls):
        key = f"key {number}"
        first = send(server, "POST", path, body, Idempotency_Key=key)
        again = send(server, "POST", path, body, Idempotency_Key=key)
        assert first.status < 300
        assert "idempotency-replayed" not in first.headers
        assert again.headers["idempotency-replayed"] == "true"
        assert (again.status, again.body) == (first.status, first.body)
    reused = send(server, "POST", f"{at}/charges", {"action": "feed_text"}, Idempotency_Key="key 0")
    assert (reused.status, "idempotency-replayed" in reused.headers) == (422, False)


@pytest.mark.parametrize("key", ["", " ", "ключ".encode().decode("latin-1"), "x" * 201])
def test_a_key_of_other_characters_is_refused_and_nothing_is_written(server, key):
    at = f"/v1/companies/keys{len(key)}{sum(map(ord, key))}"
    company(server, at.rsplit("/", 1)[1])
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.putrequest("POST", f"{at}/charges")
    connection.putheader("Authorization", f"Bearer {OPERATOR_KEY}")
    connection.putheader("Idempotency-Key", key.encode("latin-1"))
    connection.putheader("Content-Length", str(len(json.dumps(CHAT))))
    connection.endheaders(json.dumps(CHAT).encode())
    with contextlib.closing(connection):
        reply = connection.getresponse()
        assert (reply.status, json.loads(reply.read())["code"]) == (422, "invalid")
    assert server.call("GET", f"{at}/balance").body["available"] == 1000


def test_a_decline_of_429_says_when_to_come_again_in_whole_seconds_rounded_up(server):
    at = company(server, "later")
    server.call("PUT", f"{at}/caps/c", {"scope": {"tool": "chat"}, "requests": 0, "per": "day"})
    never = send(server, "POST", f"{at}/charges", CHAT)
    assert (never.status, never.json["retry_at"], "retry-after" in never.headers) == (429, None, False)
    until = {"scope": {"tool": "chat"}, "requests": 0, "per": "day", "until": "2026-02-10T10:00:05.001Z"}
    server.call("PUT", f"{at}/caps/c", until)
    soon = send(server, "POST", f"{at}/charges", CHAT)
    assert soon.headers["retry-after"] == "6"
    assert soon.headers["content-type"] == "application/problem+json"
    broke = send(server, "POST", f"{at}/charges", {"action": "site_creation", "quantities": {"images": 3}})
    assert broke.status == 201
    server.call("POST", f"{at}/plan-changes", {"plan": "tiny"})
    short = send(server, "POST", f"{at}/charges", {"action": "follow_up", "quantities": {"participants": 1}})
    assert (short.status, short.json["retry_at"]) == (402, "2026-03-01T00:00:00.000Z")
    assert "retry-after" not in short.headers


def test_a_problem_has_its_fields_in_both_languages_and_one_code(server):
    company(server, "languages")
    at = "/v1/companies/languages"
    server.call("PUT", f"{at}/caps/c", {"scope": {"tool": "chat"}, "requests": 0, "per": "day"})
    calls: list[tuple[str, str, Any, int, str]] = [
        ("POST", f"{at}/charges", {"action": "nothing"}, 422, "unknown_action"),
        ("POST", f"{at}/charges", {"action": "follow_up"}, 422, "quantity_missing"),
        ("POST", f"{at}/charges", {"action": 1}, 422, "invalid"),
        ("POST", f"{at}/charges", b"{", 400, "malformed"),
        ("POST", f"{at}/charges", CHAT, 429, "cap_reached"),
        ("POST", f"{at}/boosts", {"boost": "x"}, 422, "unknown_boost"),
        ("POST", f"{at}/plan-changes", {"plan": "x"}, 422, "unknown_plan"),
        ("GET", "/v1/companies/nobody", None, 404, "company_not_found"),
        ("GET", f"{at}/holds/x", None, 404, "hold_not_found"),
        ("GET", f"{at}/charges/x", None, 404, "charge_not_found"),
        ("GET", "/v1/nothing", None, 404, "not_found"),
    ]
    for method, path, body, status, code in calls:
        english = send(server, method, path, body, Accept_Language="en")
        russian = send(server, method, path, body, Accept_Language="ru-RU,ru;q=0.9,en;q=0.8")
        for got in (english, russian):
            assert (got.status, got.json["status"], got.json["code"]) == (status, status, code)
            assert got.headers["content-type"] == "application/problem+json"
            assert {"type", "title", "status", "detail", "code"} <= got.json.keys()
            for fault in got.json.get("errors", []):
                assert fault.keys() == {"field", "message", "value"}
        assert english.json["type"] == russian.json["type"]
        assert english.json["title"].isascii()
        assert not russian.json["title"].isascii()
        assert not russian.json["detail"].isascii()


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic YTpi", OPERATOR_KEY, "Bearer kv_wrong", "Bearer \xff"]
)
def test_without_a_known_bearer_key_nothing_opens(server, header):
    got = send(server, "GET", "/v1/companies", Authorization=header)
    assert (got.status, got.json["code"]) == (401, "unauthenticated")
    assert got.headers["www-authenticate"].startswith("Bearer")


def test_the_schemes_name_may_be_written_in_any_case(server):
    assert send(server, "GET", "/v1/companies", Authorization=f"bearer {OPERATOR_KEY}").status == 200


@pytest.mark.parametrize(
    "body",
    [b'{"action": "\xff"}', b'{"action": "chat_question", "subject": "\xc3\x28"}', b"\x00", b"\xff\xfe{\x00}\x00",
     b'{"action": "chat_question", "subject": "\xed\xa0\x80"}', b"[" * 100_000, b'{"a":' * 50_000],
)  # fmt: skip
def test_what_is_not_json_in_utf8_is_malformed(server, body):
    got = send(server, "POST", "/v1/companies/nobody/charges", body)
    assert (got.status, got.json["code"]) == (400, "malformed")


def test_a_body_may_have_one_mebibyte_and_no_byte_more(server):
    at = company(server, "large_bodies")
    body = json.dumps(CHAT).encode()
    assert send(server, "POST", f"{at}/charges", body.ljust(1024 * 1024)).status == 201
    got = send(server, "POST", f"{at}/charges", body.ljust(1024 * 1024 + 1))
    assert (got.status, got.json["code"]) == (413, "body_too_large")
    assert send(server, "GET", f"{at}/balance").json["available"] == 999


def test_a_batch_takes_1000_operations_and_not_1001(server):
    at = company(server, "batches", plan="large")
    operation = {"op": "charge", "company": "batches", "action": "follow_up", "quantities": {"participants": 4}}
    got = server.call("POST", "/v1/batch", {"operations": [operation] * 1000})
    assert [one["status"] for one in got.body["results"]] == [201] * 600 + [429] * 400
    assert {one["body"]["code"] for one in got.body["results"][600:]} == {"hourly_limit"}
    assert server.call("POST", "/v1/batch", {"operations": [operation] * 1001}).status == 422
    keyed = send(server, "POST", "/v1/batch", {"operations": [operation]}, Idempotency_Key="k")
    assert keyed.status == 422
    assert server.call("GET", f"{at}/usage?from=2026-02-10&to=2026-02-11").body["total"]["calls"] == 600


def test_a_company_has_at_most_1000_caps(server):
    at = company(server, "caps")
    cap = {"scope": {"users": "each"}, "requests": 5, "per": "day"}

    def put(name: str) -> int:
        return server.call("PUT", f"{at}/caps/{name}", cap).status

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(put, (f"c{number}" for number in range(1000)))) == {201}
    assert (put("c1000"), put("c0")) == (422, 200)
    assert len(server.call("GET", f"{at}/caps").body["items"]) == 1000
    assert server.call("POST", f"{at}/charges", {**CHAT, "user": "ivan"}).status == 201
    assert server.call("DELETE", f"{at}/caps/c0").status == 204
    assert put("c1000") == 201


def test_a_204_has_no_body_and_head_is_get_without_one(server):
    at = company(server, "empty")
    server.call("PUT", f"{at}/caps/c", {"scope": {"users": "each"}, "requests": 5, "per": "day"})
    gone = send(server, "DELETE", f"{at}/caps/c")
    assert (gone.status, gone.body) == (204, b"")
    head = send(server, "HEAD", f"{at}/balance")
    assert (head.status, head.body) == (200, b"")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"])
def test_what_stands_beside_v1_needs_no_key(server, path):
    assert send(server, "GET", path, Authorization="").status == 200


def rfc8785(value: Any) -> str:
    """The canonical JSON of RFC 8785 for the values that a ledger has: names in the order of their UTF-16 units."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(f"{rfc8785(name)}:{rfc8785(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(rfc8785, value)) + "]"
    assert not isinstance(value, float)
    return json.dumps(value, ensure_ascii=False)


def test_the_chain_of_hashes_is_that_of_rfc_8785_reckoned_anew(tmp_path):
    with serving(f"sqlite:///{tmp_path}/kvota.db", tmp_path, sandbox=True) as server:
        clock(server, "2026-02-10T10:00:00.000Z")
        company(server, "acme", name='ООО «Ёлка» 😀 \\ " / é')
        # ！ is one UTF-16 unit, 😀 two that are smaller; by code points it would be the other way round
        measures = {"！": 1, "😀": 2, "é": 3, "z": 4, "Z": 5, "10": 6, "9": 7}
        usage = {"action": "site_creation", "quantities": {"images": 3}, "subject": "сайт:😀", "measures": measures}
        charged = server.call("POST", CHARGES, usage, key="k")
        assert charged.status == 201
        hold = server.call("POST", f"{ACME}/holds", {"action": "site_creation", "department": "отдел «А»"}).body["id"]
        server.call("POST", f"{ACME}/holds/{hold}/capture", {"quantities": {"images": 2}})
        server.call("POST", f"{ACME}/charges/{charged.body['id']}/refund", {"reason": "плохо"})
        clock(server, "2026-04-10T10:00:00.000Z")
        server.call("POST", CHARGES, CHAT)
        shown = server.call("GET", f"{ACME}/entries?limit=1000").body["items"]
    with sqlite3.connect(tmp_path / "kvota.db") as store:
        rows = store.execute("SELECT body, hash FROM entries WHERE company = 'acme' ORDER BY seq").fetchall()
    assert len(rows) == len(shown) >= 7
    previous = b""
    for (body, stored), entry in zip(rows, shown, strict=True):
        text = body.decode() if isinstance(body, bytes) else body
        assert text == rfc8785(json.loads(text))
        previous = hashlib.sha256(previous + text.encode()).digest()
        assert entry["hash"] == previous.hex()
        assert (stored.hex() if isinstance(stored, bytes) else stored) == previous.hex()


def kvota(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kvota", *arguments],
        env={**environment(settings.pop("store"), catalogue=CATALOGUE), **settings},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_without_the_sandbox_there_is_no_clock_and_its_store_does_not_become_one(tmp_path):
    store = f"sqlite:///{tmp_path}/kvota.db"
    with serving(store, tmp_path) as server:
        for method in ("GET", "PUT"):
            got = server.call(method, "/v1/sandbox/clock", {"now": "2026-02-10T10:00:00Z"} if method == "PUT" else None)
            assert (got.status, got.body["code"]) == (404, "not_found")
        company(server, "acme")
    refused = kvota("serve", "--port", "0", "--sandbox", store=store)
    assert (refused.returncode != 0, "sandbox" in refused.stderr) == (True, True)
    with serving(store, tmp_path) as server:
        assert server.call("GET", f"{ACME}/balance").status == 200


def test_a_sandboxs_clock_stands_still_over_a_crash(tmp_path):
    store = f"sqlite:///{tmp_path}/kvota.db"
    with serving(store, tmp_path, sandbox=True) as server:
        clock(server, "2031-07-01T00:00:00.123Z")
    with serving(store, tmp_path, sandbox=True) as server:
        assert server.call("GET", "/v1/sandbox/clock").body == {"now": "2031-07-01T00:00:00.123Z"}
        company(server, "acme")
        assert server.call("GET", ACME).body["created_at"] == "2031-07-01T00:00:00.123Z"
        clock(server, "2026-01-01T00:00:00Z")
        assert server.call("GET", f"{ACME}/balance").body["at"] == "2031-07-01T00:00:00.123Z"


def test_a_newer_catalogue_is_loaded_at_the_start_and_an_older_or_different_one_refused(tmp_path):
    store, file = f"sqlite:///{tmp_path}/kvota.db", tmp_path / "ours.toml"
    text = Path(CATALOGUE).read_text()
    file.write_text(text)
    with serving(store, tmp_path, sandbox=True, catalogue=file) as server:
        clock(server, "2026-02-10T10:00:00.000Z")
        company(server, "acme", plan="tiny")
        old = server.call("POST", CHARGES, CHAT).body
    file.write_text(text.replace("# It is also", "# A comment. It is also"))
    with serving(store, tmp_path, sandbox=True, catalogue=file):
        pass
    file.write_text(text.replace("allowance = 10\n", "allowance = 11\n"))
    different = kvota("serve", "--port", "0", "--sandbox", store=store, KVOTA_CATALOGUE=str(file))
    assert different.returncode
    assert "plans.tiny.allowance" in different.stderr
    assert ("10" in different.stderr, "11" in different.stderr) == (True, True)
    newer = text.replace('version = "2026-01-01"', 'version = "2026-02-01"')
    newer = newer.replace("effective_from = 2026-01-01", "effective_from = 2026-02-01")
    file.write_text(newer.replace("allowance = 10\n", "allowance = 12\n"))
    with serving(store, tmp_path, sandbox=True, catalogue=file) as server:
        assert server.call("GET", "/v1/catalogue").body["version"] == "2026-02-01"
        assert server.call("GET", f"{ACME}/balance").body["allowance"]["granted"] == 12
        assert server.call("POST", CHARGES, CHAT).body["catalogue"] == "2026-02-01"
        assert server.call("GET", f"{CHARGES}/{old['id']}").body == old
    file.write_text(text)
    older = kvota("serve", "--port", "0", "--sandbox", store=store, KVOTA_CATALOGUE=str(file))
    assert older.returncode
    assert "2026-02-01" in older.stderr


def test_a_new_version_may_not_drop_a_plan_that_a_company_has(tmp_path):
    store, file = f"sqlite:///{tmp_path}/kvota.db", tmp_path / "ours.toml"
    text = Path(CATALOGUE).read_text()
    file.write_text(text)
    with serving(store, tmp_path, sandbox=True, catalogue=file) as server:
        clock(server, "2026-02-10T10:00:00.000Z")
        company(server, "acme", plan="tiny")
    newer = text.replace('version = "2026-01-01"', 'version = "2026-02-01"').replace("[plans.tiny]", "[plans.minute]")
    file.write_text(newer)
    refused = kvota("serve", "--port", "0", "--sandbox", store=store, KVOTA_CATALOGUE=str(file))
    assert refused.returncode
    assert "tiny" in refused.stderr


def test_only_the_hashes_of_keys_are_stored(tmp_path):
    with serving(f"sqlite:///{tmp_path}/kvota.db", tmp_path, sandbox=True) as server:
        company(server, "acme")
        secret = server.call("POST", f"{ACME}/keys", {"role": "app"}).body["key"]
        assert server.call("GET", f"{ACME}/balance", bearer=secret).status == 200
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("kvota.db*"))
    assert kept
    for one in (secret, OPERATOR_KEY):
        assert one.encode() not in kept
