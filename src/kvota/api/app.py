"""The ASGI application: one request from its route to its reply."""

import functools
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import structlog

from kvota.api import docs, openapi, problems
from kvota.api.calls import Call
from kvota.api.exchange import send_answer, text_of
from kvota.api.problems import Answer, Internal, MethodNotAllowed
from kvota.api.registry import Operation, operations
from kvota.asgi.auth import Keyring, check_company, check_role
from kvota.asgi.defects import log_defect
from kvota.asgi.exchange import Scope, address_of, headers_of, query_of, read_all
from kvota.asgi.languages import Language, language_of
from kvota.asgi.metrics import Metrics
from kvota.asgi.routing import Router
from kvota.asgi.services import Services
from kvota.asgi.streaming import Disconnected, Receive, Send, Stream
from kvota.engine import Teller
from kvota.errors import CallerError, FieldError, Forbidden, Invalid, KeyReused, KvotaError, NotFound, WorldError
from kvota.reads import Reads
from kvota.store import ApiKey
from kvota.wire.asking import Asker
from kvota.wire.fields import is_id
from kvota.wire.queries import Query
from kvota.wire.reading import read_body, read_query
from kvota.wire.requests import fingerprint

MAX_KEY = 200
SILENT_SECONDS = 1.0
Hook = Callable[[], Awaitable[None]]
_NOBODY = ApiKey(id="", hash="", role="nobody")
_KEY_RULE = f"must be text of 1 to {MAX_KEY} printable ASCII characters"
_BATCH_RULE = "does not stand on a batch: give each operation its own `key`"


class _Request(NamedTuple):
    """One request, once its route is known."""

    operation: Operation
    parameters: dict[str, str]
    scope: Scope
    headers: dict[bytes, bytes]
    receive: Receive
    language: Language


class App:
    """Plain ASGI. Made by ``build_app``."""

    def __init__(
        self,
        services: Services,
        keyring: Keyring,
        *,
        on_startup: Hook | None,
        on_shutdown: Hook | None,
        logs_requests: bool,
    ) -> None:
        self.services, self.keyring = services, keyring
        self._router = Router(operations())
        self._on_startup, self._on_shutdown = on_startup, on_shutdown
        self._logs_requests = logs_requests
        self._access: Any = None
        self._silent_until = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection's scope: a request, or the life of the server."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            if self._on_startup is not None:
                await self._on_startup()
        except Exception as error:  # noqa: BLE001 - the server is told, and ends
            log_defect("startup", error)
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if self._on_shutdown is not None:
            await self._on_shutdown()
        self.services.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        headers = headers_of(scope)
        language = language_of(headers.get(b"accept-language", b""))
        name = "none"
        try:
            operation, parameters = self._route(scope)
            name = operation.name
            answer = await self._answer(_Request(operation, parameters, scope, headers, receive, language))
            if isinstance(answer.body, Stream) and scope["method"] != "HEAD":
                await answer.body.begin(receive)
        except Disconnected:
            return
        except KvotaError as error:
            if isinstance(error, WorldError):
                self._tell_operator(error)
            sent = headers.get(b"idempotency-key", b"").decode("latin-1")
            answer = problems.of_error(error, language, key=sent)
        except Exception as error:  # noqa: BLE001 - a defect must not leave the caller without a reply
            log_defect(name, error)
            answer = problems.of_error(Internal("see the log"), language)
        await send_answer(send, answer, language, is_head=scope["method"] == "HEAD")
        seconds = time.perf_counter() - started
        self.services.metrics.observe_request(name, answer.status, seconds)
        if self._logs_requests:
            if self._access is None:  # bound at the first request: logging is configured by now
                self._access = structlog.get_logger("kvota.access").bind()
            self._access.info(
                "request",
                operation=name,
                method=scope["method"],
                path=scope["path"],
                status=answer.status,
                milliseconds=round(seconds * 1000, 2),
                key=scope.get("kvota.key"),
            )

    def _tell_operator(self, error: WorldError) -> None:
        """Log what callers are not told: which file, which server. A store that is down is one line a second."""
        if (now := time.monotonic()) >= self._silent_until:
            self._silent_until = now + SILENT_SECONDS
            structlog.get_logger("kvota.api").warning(error.code, detail=error.detail)

    def _route(self, scope: Scope) -> tuple[Operation, dict[str, str]]:
        method, path = scope["method"], scope["path"]
        found, parts = self._router.find(path)
        if not found:
            raise NotFound("call", f"{path[:200]!r}")
        operation = found.get("GET" if method == "HEAD" else method)
        if operation is None:
            allowed = [*found, *(["HEAD"] if "GET" in found else [])]
            raise MethodNotAllowed(method, ", ".join(sorted(allowed)))
        return operation, dict(zip(operation.parameters, parts, strict=True))

    async def _answer(self, request: _Request) -> Answer:
        """Authentication, role, company, idempotency key, and then everything else (RULES §7)."""
        operation, parameters = request.operation, request.parameters
        if operation.roles is None:
            return await self._carry_out(request, _NOBODY, None)
        key = await self.keyring.authenticate(request.headers, address_of(request.scope))
        request.scope["kvota.key"] = key.id
        check_role(key, operation.roles)
        company = parameters.get("company")
        if company is not None:
            check_company(key, company)
            if operation.name != "put_company" and not is_id(company):
                raise NotFound("company", company)
        once = _idempotency_key(operation, request.headers)
        try:
            return await self._carry_out(request, key, once)
        except CallerError as error:
            if once is None or company is None or isinstance(error, KeyReused | Forbidden):
                raise
            if not await self.services.read(self.services.reads.is_key_known, company, once):
                raise
            raise KeyReused(str(error)) from None

    async def _carry_out(self, request: _Request, key: ApiKey, once: str | None) -> Answer:
        operation, scope = request.operation, request.scope
        query: Any = None
        if scope["query_string"] or operation.query is not Query:
            query = read_query(operation.query, query_of(scope))
        body: Any = None
        if operation.media is not None:
            body = text_of(await read_all(request.receive, request.headers), request.headers, operation.media)
        elif operation.body is not None:
            content = await read_all(request.receive, request.headers)
            body = read_body(operation.body, content)
        asker = Asker(
            by=key.id,
            key=once,
            request="" if once is None else fingerprint(operation.method, scope["path"], body),
            only_actions=None if key.actions is None else frozenset(key.actions),
        )
        call = Call(
            self.services,
            key,
            asker,
            parameters=request.parameters,
            body=body,
            query=query,
            language=request.language,
        )
        return await operation.handler(call)


def _idempotency_key(operation: Operation, headers: dict[bytes, bytes]) -> str | None:
    value = headers.get(b"idempotency-key")
    if value is None:
        return None
    if operation.name == "batch":
        raise Invalid("", errors=[FieldError("Idempotency-Key", _BATCH_RULE)])
    if not operation.takes_key:
        return None
    text = value.decode("latin-1")
    if not 1 <= len(text) <= MAX_KEY or not text.isascii() or not text.isprintable():
        raise Invalid("", errors=[FieldError("Idempotency-Key", _KEY_RULE, text)])
    return text


def build_app(
    engine: Teller,
    reads: Reads,
    *,
    metrics: Metrics | None = None,
    on_startup: Hook | None = None,
    on_shutdown: Hook | None = None,
    logs_requests: bool = True,
) -> App:
    """The HTTP API over an engine and its reads.

    ``metrics`` is the one whose ``observe_batch`` the engine was given as ``on_batch``. The callbacks run when the
    server starts and after its last request.
    """
    counted = metrics or Metrics()
    counted.watch_queue(lambda: engine.depth)
    services = Services(engine, reads, counted)
    services.documents["openapi"] = functools.cache(lambda: openapi.document(operations()))
    services.documents["docs"] = functools.cache(lambda: docs.page(operations()))
    keyring = Keyring(services)
    return App(services, keyring, on_startup=on_startup, on_shutdown=on_shutdown, logs_requests=logs_requests)
