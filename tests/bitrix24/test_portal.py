"""The simulated portal itself: it must be as strict as the documentation, or what passes against it proves nothing."""

import http.server
import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import httpx2
import pytest

from tests.bitrix24.portal import Portal


class Provider(http.server.BaseHTTPRequestHandler):
    status: ClassVar[int] = 202
    check: ClassVar[int] = 200

    def do_GET(self) -> None:
        self._reply(self.check)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._reply(self.status)

    def _reply(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def provider() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def call(portal: Portal, method: str, **parameters: Any) -> dict[str, Any]:
    return httpx2.post(f"{portal.webhook}{method}", json=parameters).json()


def register(portal: Portal, url: str, **changed: Any) -> dict[str, Any]:
    asked = {"name": "Kvota", "code": "kvota", "category": "text", "completions_url": url, "settings": {}}
    return call(portal, "ai.engine.register", **{**asked, **changed})


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"name": ""}, "NAME"),
        ({"code": ""}, "CODE"),
        ({"code": "два слова"}, "CODE_FORMAT"),
        ({"category": ""}, "CATEGORY"),
        ({"category": "video"}, "CATEGORY_FORMAT"),
        ({"completions_url": ""}, "COMPLETIONS_URL"),
        ({"completions_url": "http://127.0.0.1:1/"}, "COMPLETIONS_URL_FAIL"),
        ({"settings": {"model_context_limit": "many"}}, "SETTINGS_FORMAT"),
    ],
)
def test_a_registration_with_a_mistake_is_refused_by_its_name(
    provider: str, changed: dict[str, Any], code: str
) -> None:
    with Portal() as portal:
        assert register(portal, provider, **changed)["error"] == f"ENGINE_REGISTER_ERROR_{code}"
        assert not portal.methods.engines


def test_an_engine_is_registered_once_listed_and_unregistered(provider: str) -> None:
    with Portal() as portal:
        assert register(portal, provider)["result"] == 1
        assert register(portal, provider)["error"] == "ENGINE_REGISTER_ERROR_CODE_UNIQUE"
        assert [one["CODE"] for one in call(portal, "ai.engine.list")["result"]] == ["kvota"]
        assert call(portal, "ai.engine.unregister", code="kvota")["result"] is True
        assert call(portal, "ai.engine.unregister", code="kvota")["error"] == "ENGINE_NOT_FOUND"


def test_nothing_but_202_accepts_a_job(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Portal() as portal:
        register(portal, provider)
        assert portal.ask(portal.engine("kvota"), prompt="Hello").is_accepted
        monkeypatch.setattr(Provider, "status", 200)
        assert not portal.ask(portal.engine("kvota"), prompt="Hello").is_accepted


def test_a_callback_needs_its_hash_a_text_and_the_same_answer_each_time(provider: str) -> None:
    with Portal() as portal:
        register(portal, provider)
        job = portal.ask(portal.engine("kvota"), prompt="Hello")
        url = job.body["callbackUrl"]
        assert httpx2.post(url.replace(job.hash, "0" * 32), json={"result": "Hi"}).status_code == 404
        assert httpx2.post(url, json={"result": " "}).status_code == 400
        assert httpx2.post(url, json={"result": "Hi"}).status_code == 200
        assert httpx2.post(url, json={"result": "Hi"}).status_code == 200
        assert httpx2.post(url, json={"result": "Other"}).status_code == 400
        assert len(portal.violations) == 3
        assert job.result == "Hi"


def test_a_job_that_was_not_taken_is_forgotten_until_it_is_taken_after_all(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Portal() as portal:
        register(portal, provider)
        monkeypatch.setattr(Provider, "status", 503)
        job = portal.ask(portal.engine("kvota"), prompt="Hello")
        assert httpx2.post(job.body["callbackUrl"], json={"result": "Hi"}).status_code == 404
        monkeypatch.setattr(Provider, "status", 202)
        portal.run(portal.post(job))
        assert httpx2.post(job.body["callbackUrl"], json={"result": "Hi"}).status_code == 200
        assert (job.result, portal.violations) == ("Hi", [])


def test_pictures_are_taken_as_a_list_of_addresses_alone(provider: str) -> None:
    with Portal() as portal:
        register(portal, provider, category="image")
        job = portal.ask(portal.engine("kvota"), prompt={"prompt": "A picture"})
        assert httpx2.post(job.body["callbackUrl"], json={"result": "https://a.example/1"}).status_code == 400
        assert httpx2.post(job.body["callbackUrl"], json={"result": ["https://a.example/1"]}).status_code == 200


def test_engines_are_for_administrators(provider: str) -> None:
    with Portal() as portal:
        portal.methods.administrators = {7}
        assert register(portal, provider)["error"] == "ACCESS_DENIED"
        assert call(portal, "ai.engine.list")["error"] == "ACCESS_DENIED"
        assert call(portal, "ai.engine.unregister", code="kvota")["error"] == "ACCESS_DENIED"


def test_a_portal_that_restarts_keeps_its_jobs_and_engines(provider: str) -> None:
    with Portal() as portal:
        register(portal, provider)
        job = portal.ask(portal.engine("kvota"), prompt="Hello")
        token = portal.tokens.grant()["access_token"]
        portal.run(portal.restart(0))
        assert httpx2.post(f"{portal.url}/rest/ai.engine.list", json={"auth": token}).json()["result"]
        assert httpx2.post(job.body["callbackUrl"], json={"result": "Hi"}).status_code == 200


def test_a_job_that_is_over_takes_no_answer() -> None:
    with Portal() as portal:
        job = portal.make({"CATEGORY": "text", "COMPLETIONS_URL": ""}, ttl=0)
        assert httpx2.post(job.body["callbackUrl"], json={"result": "Hi"}).status_code == 410
        assert job.result is None


def test_access_ends_after_an_hour_and_a_code_after_half_a_minute() -> None:
    with Portal() as portal:
        client = {"client_id": portal.tokens.client_id, "client_secret": portal.tokens.client_secret}
        code = portal.tokens.code()
        portal.tokens.pass_time(31)
        asked = {"grant_type": "authorization_code", "code": code, **client}
        assert httpx2.get(f"{portal.url}/oauth/token/", params=asked).json()["error"] == "invalid_grant"
        granted = portal.tokens.grant()
        ask = f"{portal.url}/rest/app.info"
        assert httpx2.post(ask, json={"auth": granted["access_token"]}).json()["result"]["LICENSE"] == "ru_basic"
        portal.tokens.pass_time(3600)
        assert httpx2.post(ask, json={"auth": granted["access_token"]}).json()["error"] == "expired_token"
        asked = {"grant_type": "refresh_token", "refresh_token": granted["refresh_token"], **client}
        renewed = httpx2.get(f"{portal.url}/oauth/token/", params=asked).json()
        assert httpx2.post(ask, json={"auth": renewed["access_token"]}).status_code == 200
        assert httpx2.get(f"{portal.url}/oauth/token/", params=asked).json()["error"] == "invalid_grant"


def test_lists_come_in_pages_of_fifty() -> None:
    with Portal() as portal:
        first = call(portal, "user.get")
        assert (len(first["result"]), first["total"], first["next"]) == (50, 120, 50)
        last = call(portal, "user.get", start=100)
        assert (len(last["result"]), "next" in last) == (20, False)
