"""One way to ask, wherever the answer comes from: a running server, or the same API in this process."""

import asyncio
from collections.abc import Coroutine, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self, TypeVar
from urllib.parse import quote

import httpx2
import msgspec

from kvota.cli.opening import TRUSTED_SECRET, open_here
from kvota.cli.options import Where
from kvota.errors import Invalid, ServerUnreachable
from kvota.settings import Settings
from kvota.wiring import Meter

TIMEOUT_SECONDS = 60.0
OK_STATUS = 200
T = TypeVar("T")
HERE = "http://kvota.local"


class Answer(NamedTuple):
    """A reply of the API."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - any JSON
        """The body."""
        return msgspec.json.decode(self.body) if self.body else None


class Door:
    """Asks the API. Errors are answers too; only a server that cannot be reached raises."""

    def __init__(self, client: httpx2.AsyncClient, meter: Meter | None) -> None:
        self._client, self.meter = client, meter
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()
        if self.meter is not None:
            self.meter.close()

    def ask(
        self,
        method: str,
        *path: str,
        body: Mapping[str, object] | None = None,
        toml: str | None = None,
        query: Mapping[str, object | None] | None = None,
        key: str | None = None,
    ) -> Answer:
        """One call below ``/v1``; ``path`` is its parts. What is None in the query is left out. ``toml`` is a body."""
        headers = {} if key is None else {"Idempotency-Key": key}
        parameters = {name: str(value) for name, value in (query or {}).items() if value is not None}
        content = None if body is None else msgspec.json.encode(body)
        if content is not None:
            headers["Content-Type"] = "application/json"
        if toml is not None:
            content, headers["Content-Type"] = toml.encode(), "application/toml"
        request = self._client.build_request(
            method,
            "/v1/" + "/".join(quote(part, safe="") for part in path),
            params=parameters,
            content=content,
            headers=headers,
        )
        reply = self._run(self._client.send(request))
        return Answer(reply.status_code, reply.content)

    def save(self, file: Path, *path: str, query: Mapping[str, object | None]) -> Answer:
        """Save what a GET answers to a file, piece by piece; an error is an answer, and leaves no file."""
        parameters = {name: str(value) for name, value in query.items() if value is not None}
        where = "/v1/" + "/".join(quote(part, safe="") for part in path)
        return self._run(self._save(self._client.build_request("GET", where, params=parameters, timeout=None), file))

    async def _save(self, request: httpx2.Request, file: Path) -> Answer:
        reply = await self._client.send(request, stream=True)
        try:
            if reply.status_code != OK_STATUS:
                return Answer(reply.status_code, await reply.aread())
            with _unfinished(file) as content:
                async for piece in reply.aiter_bytes():
                    content.write(piece)
        finally:
            await reply.aclose()
        return Answer(reply.status_code, b"")

    def _run(self, call: Coroutine[Any, Any, T]) -> T:
        try:
            return self._runner.run(call)
        except httpx2.TransportError as error:
            raise ServerUnreachable(
                f"There is no answer at {self._client.base_url}: {error or type(error).__name__}. Is the server "
                "running there? Start one with `kvota serve`, or give --store to work without a server."
            ) from error


@contextmanager
def _unfinished(file: Path) -> Generator[BinaryIO]:
    """A file beside it that takes its name once it is whole; what is broken off leaves nothing."""
    part = file.with_name(file.name + ".part")
    try:
        with part.open("wb") as content:
            yield content
        part.replace(file)
    except OSError as error:
        raise Invalid.field("file", f"cannot be written: {error}", str(file)) from error
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def opened(where: Where, *, may_create: bool = False) -> Generator[Door]:
    """The door that the options name. ``may_create``: a store that does not exist yet is made."""
    settings = where.settings()
    headers = {"Accept-Language": where.language, "Accept": "application/json"}
    if settings.url is not None:
        client, meter = _remote(settings, headers), None
    else:
        meter = open_here(settings, may_create=may_create)
        try:
            headers["Authorization"] = f"Bearer {TRUSTED_SECRET}"
            client = httpx2.AsyncClient(transport=_transport(meter), base_url=HERE, headers=headers, timeout=None)
        except BaseException:
            meter.close()
            raise
    with Door(client, meter) as door:
        yield door


def _remote(settings: Settings, headers: dict[str, str]) -> httpx2.AsyncClient:
    url = settings.url or ""
    if not url.startswith(("http://", "https://")):
        raise Invalid.field("--url", "a URL such as http://127.0.0.1:8024 is needed", url)
    if settings.key is None:
        raise Invalid("A server asks for an API key: give one with --key, or better in KVOTA_KEY.")
    if not settings.key.isascii() or not settings.key.isprintable():
        raise Invalid("The API key has characters that no key has; it looks like kv_ and then letters and digits.")
    headers = {**headers, "Authorization": f"Bearer {settings.key}"}
    try:
        return httpx2.AsyncClient(base_url=url.removesuffix("/"), headers=headers, timeout=TIMEOUT_SECONDS)
    except httpx2.InvalidURL as error:
        raise Invalid.field("--url", f"this is no URL: {error}", url) from error


def _transport(meter: Meter) -> httpx2.ASGITransport:
    from kvota.api.app import build_app

    return httpx2.ASGITransport(app=build_app(meter.engine, meter.reads, logs_requests=False))
