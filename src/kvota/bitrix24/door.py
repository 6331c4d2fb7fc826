"""The HTTP door of Bitrix24: a portal's check and its requests, each at a secret URL of its own.

``GET /bitrix24/engines/{secret}`` answers 200. ``POST`` answers 202 as soon as the job is in the store, whatever the AI
service does: 503 where it could not be kept, so that the portal knows while it still listens.
"""

import time
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec
import structlog

from kvota.asgi.attempts import Attempts
from kvota.asgi.defects import log_defect
from kvota.asgi.exchange import Asgi, Scope, address_of, headers_of, query_of, read_all
from kvota.asgi.metrics import Metrics
from kvota.asgi.streaming import Disconnected, Receive, Send
from kvota.bitrix24.asked import MAX_HASH, Asked, check_asked, read_asked
from kvota.bitrix24.desk import Desk, Found
from kvota.errors import Invalid, KvotaError, NotFound, WorldError
from kvota.outgoing import Outgoing, TargetRefused
from kvota.portals import Job

ENGINES = "engines"
MAX_SECRET = 100
SECOND = 1000
STATUS = {"not_found": 404, "body_too_large": 413, "malformed": 400, "invalid": 400, "too_many_attempts": 429}
_encode = msgspec.json.encode


class Bitrix24:
    """Plain ASGI, for what is below ``/bitrix24``."""

    def __init__(
        self, desk: Desk, outgoing: Outgoing, metrics: Metrics, rooms: Mapping[str, Asgi] | None = None
    ) -> None:
        self._desk, self._outgoing, self._metrics = desk, outgoing, metrics
        self._attempts = Attempts()
        self._rooms = rooms or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        parts = scope["path"].strip("/").split("/")
        if len(parts) == 2 and parts[1] in self._rooms:  # noqa: PLR2004 - bitrix24, and the room of the application
            await self._rooms[parts[1]](scope, receive, send)
            return
        started = time.perf_counter()
        try:
            status, content = await self._answer(scope, receive)
        except Disconnected:
            return
        except WorldError as error:
            structlog.get_logger("kvota.bitrix24").warning(error.code, detail=error.detail)
            status, content = 503, {"error": error.code}
        except KvotaError as error:
            status, content = STATUS.get(error.code, 400), {"error": error.code, "error_description": str(error)}
        except Exception as error:  # noqa: BLE001 - a defect must not leave the portal without an answer
            log_defect("bitrix24", error)
            status, content = 500, {"error": "internal"}
        self._metrics.observe_request("bitrix24", status, time.perf_counter() - started)
        await _send(send, status, content)

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, object]:
        parts = scope["path"].strip("/").split("/")
        if len(parts) != 3 or parts[1] != ENGINES:  # noqa: PLR2004 - bitrix24, engines, the secret
            raise NotFound("call", "of this path", detail="Nothing is here.")
        found = await self._found(parts[2], address_of(scope))
        if scope["method"] in ("GET", "HEAD"):
            return 200, {"result": "OK"}
        if scope["method"] != "POST":
            return 405, {"error": "method_not_allowed"}
        job = self._job(found, await read_all(receive, headers_of(scope)))
        await self._desk.take(job)
        return 202, {"result": "OK"}

    async def _found(self, secret: str, address: str) -> Found:
        is_unlikely = bool(self._attempts.wait_seconds(address)) and not self._desk.has_found(secret)
        if is_unlikely or not (secret.isascii() and len(secret) <= MAX_SECRET):
            raise NotFound("engine", "of this URL", detail="No engine has this URL.")
        found = await self._desk.find(secret)
        if found is None:
            self._attempts.failed(address)
            raise NotFound("engine", "of this URL", detail="No engine has this URL.")
        return found

    def _job(self, found: Found, body: bytes) -> Job:
        engine, portal = found
        asked = read_asked(body)
        check_asked(asked, engine.category)
        for field, url in (("callbackUrl", asked.callback), ("errorCallbackUrl", asked.error_callback)):
            self._check_callback(field, url, portal.hosts)
        return Job(
            company=engine.company,
            hash=_hash_of(asked),
            portal=portal.portal,
            scenario=engine.scenario,
            category=engine.category,
            body=body.decode(),
            ttl=max(1, round(asked.ttl_seconds * SECOND)),
        )

    def _check_callback(self, field: str, url: str, hosts: tuple[str, ...]) -> None:
        try:
            self._outgoing.check(url)
            host = urlsplit(url).netloc.lower()
        except (TargetRefused, ValueError) as error:
            raise Invalid.field(field, f"cannot be called: {error}", url[:200]) from error
        if host not in hosts:
            raise Invalid.field(field, f"must be at a host of the portal: {', '.join(hosts)}", host[:200])


def _hash_of(asked: Asked) -> str:
    """The portal's name for the job, from its callback's query."""

    def given(url: str) -> str:
        return query_of({"query_string": urlsplit(url).query.encode()}).get("hash", "")

    found = given(asked.callback)
    if not 1 <= len(found) <= MAX_HASH or not found.isascii() or not found.isprintable():
        raise Invalid.field("callbackUrl", f"must carry a hash of 1 to {MAX_HASH} printable characters", found[:200])
    if given(asked.error_callback) not in ("", found):
        raise Invalid.field("errorCallbackUrl", "must carry the same hash as callbackUrl")
    return found


async def _send(send: Send, status: int, content: object) -> None:
    body = _encode(content)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 503:  # noqa: PLR2004 - try again
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
