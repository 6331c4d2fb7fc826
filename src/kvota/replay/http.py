"""A replay through a running server: N connections, each with one call at a time, and as little else as possible."""

import asyncio
import ssl
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import NamedTuple, cast
from urllib.parse import quote, urlsplit

import msgspec

from kvota.core.periods import rfc3339
from kvota.errors import Invalid, ServerUnreachable, WorldError
from kvota.replay.tally import Answer, Tally
from kvota.replay.trace import Call

MAX_REPLY = 16 * 1024 * 1024


class Reply(NamedTuple):
    status: int
    body: bytes
    is_replayed: bool


class _Known(msgspec.Struct):
    """What is read of a reply: of a charge its cost, of a problem why."""

    cost: int = 0
    reason: str | None = None
    code: str | None = None
    detail: str | None = None


class Wire:
    """Where to and as whom: builds requests as bytes."""

    def __init__(self, url: str, key: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Invalid.field("url", "a URL such as http://127.0.0.1:8024 is needed", url)
        self.url, self.host, self.ssl = url, parts.hostname, parts.scheme == "https"
        self.port = parts.port or (443 if self.ssl else 80)
        self._path = parts.path.rstrip("/")
        self._head = f" HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\nAuthorization: Bearer {key}\r\n"

    def request(self, method: str, path: str, body: object = None, key: str | None = None) -> bytes:
        """The bytes of one request."""
        data = b"" if body is None else msgspec.json.encode(body)
        head = f"{method} {self._path}{path}{self._head}Content-Type: application/json\r\n"
        if key is not None:
            head += f"Idempotency-Key: {key}\r\n"
        return f"{head}Content-Length: {len(data)}\r\n\r\n".encode("latin-1") + data

    def charge(self, call: Call) -> bytes:
        """The bytes of the charge that a call asks for."""
        body: dict[str, object] = {"action": call.action}
        if call.quantities:
            body["quantities"] = call.quantities
        if call.user is not None:
            body["user"] = call.user
        if call.measures:
            body["measures"] = call.measures
        return self.request("POST", f"/v1/companies/{quote(call.company)}/charges", body, call.key)


class _Connection(asyncio.Protocol):
    """One connection with at most one request under way; a reply needs a Content-Length, as ours all have."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Reply] | None = None
        self._received = b""
        self.is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self.is_open = cast("asyncio.Transport", transport), True

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        self._fail(str(exc or "it closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._received = self._received + data if self._received else data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._received[:end].lower()
        try:
            status = int(head[9:12])
            length = _length(head, status)
        except ValueError:
            self._fail("it does not speak HTTP as Kvota does")
            self.close()
            return
        if length > MAX_REPLY:
            self._fail("its reply is too long")
            self.close()
            return
        if len(self._received) < end + 4 + length:
            return
        body, self._received = self._received[end + 4 : end + 4 + length], b""
        if b"\r\nconnection: close" in head:
            self.close()
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(Reply(status, body, b"\r\nidempotency-replayed: true" in head))

    def ask(self, request: bytes) -> "asyncio.Future[Reply]":
        """Send a request on the connection, which is open; its reply, or ``ServerUnreachable``."""
        self._waiting = waiting = self._loop.create_future()
        if self._transport is not None:
            self._transport.write(request)
        return waiting

    def close(self) -> None:
        self.is_open = False
        if self._transport is not None:
            self._transport.close()

    def _fail(self, why: str) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_exception(ServerUnreachable(f"The server did not answer: {why}."))


def _length(head: bytes, status: int) -> int:
    start = head.find(b"\r\ncontent-length:")
    if start < 0:
        if status == 204:  # noqa: PLR2004 - no content
            return 0
        raise ValueError("no content-length")
    end = head.find(b"\r\n", start + 2)
    return int(head[start + 17 : end if end >= 0 else len(head)])


async def _connect(wire: Wire) -> _Connection:
    try:
        secure = ssl.create_default_context() if wire.ssl else None
        _, protocol = await asyncio.get_running_loop().create_connection(
            _Connection, wire.host, wire.port, ssl=secure, server_hostname=wire.host if wire.ssl else None
        )
    except OSError as error:
        raise ServerUnreachable(
            f"There is no answer at {wire.url}: {error.strerror or error}. Is the server running there? "
            "Start one with: kvota serve"
        ) from error
    return protocol


def _check(reply: Reply) -> None:
    if reply.status >= 400:  # noqa: PLR2004 - a refusal
        known = _known(reply.body)
        raise Invalid(f"The server refused ({reply.status} {known.code}): {known.detail or reply.body[:200]!r}")


def replay_http(
    url: str, key: str, calls: Sequence[Call], tally: Tally, *, connections: int, on_trace_clock: bool = False
) -> None:
    """Make the calls over ``connections``; on the trace's clock one after the other, the sandbox clock set before."""
    wire = Wire(url, key)
    if on_trace_clock:
        _run(_replay_in_order(wire, calls, tally))
    else:
        _run(_replay(wire, calls, tally, connections))


async def _replay(wire: Wire, calls: Sequence[Call], tally: Tally, connections: int) -> None:
    left: Iterator[tuple[Call, bytes]] = ((call, wire.charge(call)) for call in calls)
    opened = [await _connect(wire) for _ in range(min(connections, len(calls)))]
    tally.start()

    async def work() -> None:
        connection = opened.pop()
        for call, request in left:
            started = time.perf_counter()
            try:
                if not connection.is_open:
                    connection = await _connect(wire)
                answer = _answer(await connection.ask(request))
            except ServerUnreachable as error:
                answer = Answer("error", reason=error.code)
            tally.add(call, answer, time.perf_counter() - started)
        connection.close()

    await _all(work, len(opened))
    tally.stop()


async def _replay_in_order(wire: Wire, calls: Sequence[Call], tally: Tally) -> None:
    connection = await _connect(wire)
    tally.start()
    for call in calls:
        _check(await connection.ask(wire.request("PUT", "/v1/sandbox/clock", {"now": rfc3339(call.at)})))
        started = time.perf_counter()
        answer = _answer(await connection.ask(wire.charge(call)))
        tally.add(call, answer, time.perf_counter() - started)
    tally.stop()
    connection.close()


def _answer(reply: Reply) -> Answer:
    known = _known(reply.body)
    if reply.status < 300:  # noqa: PLR2004 - a success
        return Answer("approved", cost=known.cost, is_replayed=reply.is_replayed)
    if known.reason is not None:
        return Answer("declined", reason=known.reason)
    return Answer("error", reason=known.code or str(reply.status))


_decode = msgspec.json.Decoder(_Known).decode


def _known(body: bytes) -> _Known:
    try:
        return _decode(body)
    except msgspec.DecodeError:
        return _Known()


async def _all(work: Callable[[], Coroutine[object, object, None]], times: int) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(times):
            group.create_task(work())


def _run(work: Coroutine[object, object, None]) -> None:
    import uvloop  # noqa: PLC0415 - only a replay through a server needs it

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work)
    except* (Invalid, WorldError) as errors:
        raise errors.exceptions[0] from None
