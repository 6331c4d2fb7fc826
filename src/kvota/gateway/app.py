"""The ASGI application of the gateway: one call from its route to the last byte of its answer."""

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any

import msgspec
import structlog

from kvota.asgi.auth import Keyring
from kvota.asgi.defects import log_defect
from kvota.asgi.exchange import Scope, address_of, headers_of
from kvota.asgi.languages import language_of
from kvota.asgi.services import Services
from kvota.asgi.streaming import Disconnected, Message, Receive, Send
from kvota.core.catalogue import Catalogue
from kvota.errors import Busy, FieldError, Internal, Invalid, KvotaError, NotFound
from kvota.gateway.answers import Answer, WrongMethod, of_error, send_answer
from kvota.gateway.asked import Asked, read_asked
from kvota.gateway.calling import Call, Calling
from kvota.gateway.metering import Metering
from kvota.gateway.passing import Client
from kvota.gateway.spool import Spool
from kvota.gateway.terms import check_caller, usage_of
from kvota.upstreams import ROUTES, UnknownModel, Upstreams

PREFIX = "/openai/v1"
MAX_CALLS = 5_000
MAX_KEY = 200
CATALOGUE_SECONDS = 1.0
_BY_PATH: Mapping[str, str] = {PREFIX + path: route for route, path in ROUTES.items()}
_SHAPING = (b"x-kvota-action", b"x-kvota-subject", b"x-kvota-user", b"x-kvota-quantities", b"x-kvota-stages")


class Gateway:
    """Plain ASGI. ``life`` is to be entered before the first call and left after the last."""

    def __init__(self, services: Services, keyring: Keyring, upstreams: Upstreams, *, logs_requests: bool) -> None:
        self._services, self._keyring, self._upstreams = services, keyring, upstreams
        self._metering = Metering(services)
        self._calling = Calling(services, upstreams, self._metering)
        self._logs_requests = logs_requests
        self._running = 0
        self._catalogue: tuple[float, Catalogue] | None = None

    @asynccontextmanager
    async def life(self) -> AsyncGenerator[None]:
        """While the server lives; at the end what was not delivered is given back."""
        try:
            yield
        finally:
            await self._metering.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One call."""
        started = time.perf_counter()
        headers, sending = headers_of(scope), _Sending(send)
        self._running += 1
        status, name = 500, "openai_" + _BY_PATH.get(scope["path"], "other")
        try:
            status = await self._serve(scope, headers, receive, sending)
        except Disconnected:
            status = 499
        except KvotaError as error:
            status = await _told(sending, name, error, headers)
        except Exception as error:  # noqa: BLE001 - a defect must not leave the caller without a reply
            log_defect(name, error)
            status = await _told(sending, name, Internal("see the log"), headers)
        finally:
            self._running -= 1
        seconds = time.perf_counter() - started
        self._services.metrics.observe_request(name, status, seconds)
        if self._logs_requests:
            structlog.get_logger("kvota.access").info(
                "request",
                operation=name,
                method=scope["method"],
                path=scope["path"][:200],
                status=status,
                milliseconds=round(seconds * 1000, 2),
                key=scope.get("kvota.key"),
            )

    async def _serve(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive, sending: "_Sending") -> int:
        """Answer; the status. What is raised has not been answered yet, or only in part."""
        method, path = scope["method"], scope["path"]
        route = _BY_PATH.get(path)
        is_list = path == PREFIX + "/models" or path.startswith(PREFIX + "/models/")
        if route is None and not is_list:
            raise NotFound("call", path[:200])
        if method != ("POST" if route else "GET"):
            raise WrongMethod(method, "POST" if route else "GET")
        if self._running > MAX_CALLS:
            raise Busy(f"{MAX_CALLS} calls run already.")
        key = await self._keyring.authenticate(headers, address_of(scope))
        scope["kvota.key"] = key.id
        company = check_caller(key)
        if route is None:
            answer = await self._models(path.removeprefix(PREFIX + "/models").lstrip("/"))
            await send_answer(sending.send, answer)
            return answer.status
        once = _idempotency_key(headers)
        with Spool() as spool:
            asked = await read_asked(route, receive, headers, spool)
            usage = usage_of(asked, key, headers, await self._in_force())
            language = language_of(headers.get(b"accept-language", b""))
            request = "" if once is None else _fingerprint(asked, headers)
            call = Call(asked, usage, company, key, once, request, headers, language)
            client = Client(receive)
            try:
                return await self._calling.carry_out(call, client, sending.send)
            finally:
                await client.forget()

    async def _in_force(self) -> Catalogue:
        """The catalogue, for the actions of routes; prices are the engine's, from the one in force at its instant."""
        known = self._catalogue
        if known is None or known[0] <= time.monotonic():
            found = await self._services.read(self._services.reads.catalogue)
            self._catalogue = known = (time.monotonic() + CATALOGUE_SECONDS, found)
        return known[1]

    async def _models(self, name: str) -> Answer:
        """The list of models, or one of them. It asks no model anything, so nothing is charged for it."""
        found = [one for one, _ in await self._upstreams.models()]
        shown: list[dict[str, Any]] = [
            {"id": one, "object": "model", "created": 0, "owned_by": "kvota"} for one in found
        ]
        if not name:
            return Answer(200, msgspec.json.encode({"object": "list", "data": shown}), [])
        if name not in found:
            raise UnknownModel(name)
        return Answer(200, msgspec.json.encode(shown[found.index(name)]), [])


class _Sending:
    """Notes whether an answer has begun: after that no other can be given."""

    def __init__(self, send: Send) -> None:
        self._send, self.has_begun = send, False

    async def send(self, message: Message) -> None:
        self.has_begun = True
        await self._send(message)


async def _told(sending: _Sending, name: str, error: KvotaError, headers: dict[bytes, bytes]) -> int:
    """Tell what went wrong. An answer that has begun is left without its end, and the server cuts the connection."""
    if sending.has_begun:
        structlog.get_logger("kvota.gateway").warning("answer_broken", operation=name, detail=str(error))
        return 502
    sent = headers.get(b"idempotency-key", b"").decode("latin-1")
    answer = of_error(error, language_of(headers.get(b"accept-language", b"")), key=sent)
    await send_answer(sending.send, answer)
    return answer.status


def _idempotency_key(headers: dict[bytes, bytes]) -> str | None:
    value = headers.get(b"idempotency-key")
    if value is None:
        return None
    text = value.decode("latin-1")
    if not 1 <= len(text) <= MAX_KEY or not text.isascii() or not text.isprintable():
        rule = f"must be text of 1 to {MAX_KEY} printable ASCII characters"
        raise Invalid(f"Idempotency-Key: {rule}", errors=[FieldError("Idempotency-Key", rule, text)])
    return text


def _fingerprint(asked: Asked, headers: dict[bytes, bytes]) -> str:
    """What an idempotency key stands for: the route, all that the body says, and what it is to be charged as."""
    said = sha256(f"POST {PREFIX}{ROUTES[asked.route]}\n".encode() + asked.digest)
    for name in _SHAPING:
        said.update(b"\n%b: %b" % (name, headers.get(name, b"").strip()))
    return said.hexdigest()
