"""Sending to the first service that has the model and answers."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Self

import aiohttp
import msgspec

from kvota.upstreams.bodies import Body
from kvota.upstreams.configuration import Service
from kvota.upstreams.failing import Failure, NoAnswer, UnknownModel, failure_of, failure_of_status
from kvota.upstreams.health import Counters, Health
from kvota.upstreams.reply import Reply

ROUTES: Mapping[str, str] = {
    "chat_completions": "/chat/completions",
    "responses": "/responses",
    "embeddings": "/embeddings",
    "audio_transcriptions": "/audio/transcriptions",
    "images_generations": "/images/generations",
}
"""Where each route is, below a service's base_url: no caller can name another place."""
KEEP_ALIVE_SECONDS = 15
MODELS_SECONDS = 60.0
MAX_LIST = 4 * 1024 * 1024


class _Model(msgspec.Struct, frozen=True):
    id: str


class _Models(msgspec.Struct, frozen=True):
    data: list[_Model]


class Upstreams:
    """The services of a configuration, over one pool of connections. Of one event loop; ``async with`` opens it."""

    def __init__(self, services: Iterable[Service]) -> None:
        self.services = tuple(services)
        self._counters = {service.name: Counters(service.name) for service in self.services}
        self._session: aiohttp.ClientSession | None = None
        self._listed: dict[str, tuple[float, list[str]]] = {}

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            skip_auto_headers=("User-Agent",),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    def candidates(self, model: str) -> list[Service]:
        """The services that have the model, in the order in which they are tried. Raises ``UnknownModel``."""
        found = [service for service in self.services if service.serves(model)]
        if not found:
            raise UnknownModel(model[:200])
        return found

    async def send(self, route: str, model: str, body: Body, *, accept: str = "*/*") -> Reply:
        """Send a body by one of ``ROUTES`` and wait for the first bytes of the answer.

        The next service is tried after a failure to connect, silence, a refused key, 429 and 5xx. The last one's 429
        or 5xx is returned as the answer that it is, as every 4xx is. Raises ``NoAnswer`` where none answered at all,
        ``UnknownModel``. A task that is cancelled closes its connection.
        """
        failures: dict[str, Failure] = {}
        last: Reply | None = None
        for service in self.candidates(model):
            counters, started = self._counters[service.name], time.monotonic()
            try:
                reply = await self._try(service, ROUTES[route], model, body, accept)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                failures[service.name] = failure_of(error)
                counters.failed(failures[service.name])
                continue
            failure = failure_of_status(reply.status)
            if failure is None:
                counters.answered(time.monotonic() - started)
                return reply
            counters.failed(failure)
            failures[service.name] = failure
            if failure in ("overloaded", "failing"):
                last = reply
            reply.close()
        if last is None:
            raise NoAnswer(failures)
        return last

    async def _try(self, service: Service, path: str, model: str, body: Body, accept: str) -> Reply:
        name = service.rename.get(model)
        data, size = body.sent(name)
        headers = {
            "Content-Type": body.content_type,
            "Content-Length": str(size),
            "Accept": accept,
            "Accept-Encoding": "identity",  # so that the bytes can be read while they pass, unchanged
            **service.key_header(),
        }
        async with asyncio.timeout(service.first_byte_seconds):
            response = await self._open.post(
                service.base_url + path,
                data=data,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=service.connect_seconds),
            )
            reply = Reply(service, name or model, self._counters[service.name], response)
            try:
                await reply.begin()
            except BaseException:
                response.close()
                raise
        return reply

    async def listed(self, service: Service) -> list[str]:
        """The models that a service says it has, asked anew each minute. Raises what went wrong, as ``NoAnswer``."""
        known = self._listed.get(service.name)
        if known is not None and time.monotonic() < known[0]:
            return known[1]
        try:
            async with (
                asyncio.timeout(min(service.first_byte_seconds, 10)),
                self._open.get(
                    service.base_url + "/models",
                    headers={"Accept": "application/json", "Accept-Encoding": "identity", **service.key_header()},
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=None, sock_connect=service.connect_seconds),
                ) as response,
            ):
                failure = failure_of_status(response.status)
                text = b""
                while len(text) < MAX_LIST and (piece := await response.content.readany()):
                    text += piece
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise NoAnswer({service.name: failure_of(error)}) from error
        if failure is not None:
            raise NoAnswer({service.name: failure})
        try:
            names = [one.id for one in msgspec.json.decode(text, type=_Models).data]
        except msgspec.DecodeError:
            names = []  # a service without a list of its models is none the worse
        self._listed[service.name] = (time.monotonic() + MODELS_SECONDS, names)
        return names

    async def models(self) -> list[tuple[str, str]]:
        """Every model that can be asked for, with its service: those that the file names and that services list."""
        answers = await asyncio.gather(*(self._listed_or_none(service) for service in self.services))
        found: dict[str, str] = {}
        for service, names in zip(self.services, answers, strict=True):
            named = [pattern for pattern in service.models if "*" not in pattern]
            for name in (*named, *(name for name in names if service.serves(name))):
                found.setdefault(name, service.name)
        return sorted(found.items())

    async def _listed_or_none(self, service: Service) -> list[str]:
        try:
            return await self.listed(service)
        except NoAnswer as error:
            self._counters[service.name].broke(error.failures[service.name])
            return []

    def health(self) -> list[Health]:
        """How each service does, in the order of the file."""
        return [self._counters[service.name].health() for service in self.services]

    @property
    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("`async with upstreams:` comes first")
        return self._session
