"""The API as a client sees it: the ASGI application over a real engine and a real SQLite store in memory."""

import asyncio
from collections.abc import AsyncIterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import msgspec

from kvota.api import build_app
from kvota.engine import Engine
from kvota.settings import Settings
from kvota.wiring import Meter, first_operator_key, open_meter

CATALOGUE = Path(__file__).parent / "small.toml"
OPERATOR_KEY = "kv_operator_of_the_tests"
NOON = "2026-02-10T12:00:00.000Z"


class Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.content)

    @property
    def code(self) -> str:
        assert self.headers["content-type"] == "application/problem+json", self
        return self.json["code"]


class Api:
    """``keys`` are the secrets by role; those of ``acme`` unless ``beta_…``."""

    def __init__(self, *, is_sandbox: bool = True, queue: int | None = None) -> None:
        settings = Settings(
            store="sqlite:///:memory:",
            catalogue=str(CATALOGUE),
            operator_key=OPERATOR_KEY,
            is_sandbox=is_sandbox,
        )
        self.meter: Meter = open_meter(settings)
        first_operator_key(self.meter, settings)
        self.keys = {"operator": OPERATOR_KEY, "nobody": "kv_wrong"}
        self._full = None if queue is None else Engine(self.meter.store, queue=queue)
        engine = self._full or self.meter.engine
        app = build_app(engine, self.meter.reads, logs_requests=False)
        self._runner = asyncio.Runner()
        self._client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://kvota.test")
        if is_sandbox:
            self.at(NOON)

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()
        if self._full is not None:
            self._full.close()
        self.meter.close()

    def at(self, now: str) -> None:
        assert self.put("/v1/sandbox/clock", {"now": now}).status == 200

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        as_: str = "operator",
        key: str | None = None,
        language: str = "en",
        raw: bytes | AsyncIterable[bytes] | None = None,
        headers: Mapping[str, str | bytes] | None = None,
    ) -> Reply:
        sent: dict[str, str | bytes] = {
            "Accept-Language": language,
            "Authorization": f"Bearer {self.keys[as_]}",
            **(headers or {}),
        }
        if key is not None:
            sent["Idempotency-Key"] = key
        content = raw if raw is not None else None if body is None else msgspec.json.encode(body)
        request = self._client.build_request(method, path, content=content, headers=sent)
        reply = self._runner.run(self._client.send(request))
        return Reply(reply.status_code, reply.headers, reply.content)

    def get(self, path: str, **more: Any) -> Reply:
        return self.call("GET", path, **more)

    def put(self, path: str, body: object, **more: Any) -> Reply:
        return self.call("PUT", path, body, **more)

    def post(self, path: str, body: object = None, **more: Any) -> Reply:
        return self.call("POST", path, body, **more)

    def delete(self, path: str, **more: Any) -> Reply:
        return self.call("DELETE", path, **more)

    def make_company(self, name: str, plan: str = "tiny", **settings: object) -> None:
        body = {"name": name, "plan": plan, "time_zone": "UTC", **settings}
        assert self.put(f"/v1/companies/{name}", body).status == 201

    def make_key(self, role: str, company: str = "acme", **more: object) -> str:
        """A key of that role, kept under its name; its id."""
        user = {"user": "ivan"} if role == "member" else {}
        made = self.post(f"/v1/companies/{company}/keys", {"role": role, **user, **more})
        assert made.status == 201, made
        self.keys[role if company == "acme" else f"{company}_{role}"] = made.json["key"]
        return made.json["id"]

    def charge(self, company: str = "acme", **usage: object) -> Any:
        reply = self.post(f"/v1/companies/{company}/charges", {"action": "chat_question", **usage})
        assert reply.status == 201, reply
        return reply.json

    def available(self, company: str = "acme") -> int:
        return self.get(f"/v1/companies/{company}/balance").json["available"]
