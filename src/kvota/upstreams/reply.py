"""An answer that has begun: its status, its headers, its first bytes, and the rest as it comes."""

import asyncio
from collections.abc import AsyncIterator
from typing import NoReturn

import aiohttp

from kvota.upstreams.configuration import Service
from kvota.upstreams.consumption import Reader
from kvota.upstreams.failing import Broken, failure_of
from kvota.upstreams.health import Counters

MAX_ERROR = 65_536
FIRST_ERROR = 400
_PASSED = frozenset(
    {
        "content-type", "content-encoding", "content-disposition", "content-language", "content-length",
        "retry-after", "retry-after-ms", "x-should-retry", "x-request-id", "openai-processing-ms", "openai-version",
    }
)  # fmt: skip
_PASSED_PREFIX = "x-ratelimit-"


class Reply:
    """``service`` and ``model`` tell who answers, and what it calls the model; ``headers`` are those to pass on.

    ``first`` are the first bytes of the body, empty where it has none. Close it, whatever happens.
    """

    def __init__(self, service: Service, model: str, counters: Counters, response: aiohttp.ClientResponse) -> None:
        self.service, self.model = service.name, model
        self.status = response.status
        self.headers: list[tuple[str, str]] = [
            (name.lower(), value)
            for name, value in response.headers.items()
            if name.lower() in _PASSED or name.lower().startswith(_PASSED_PREFIX)
        ]
        self.first = b""
        self._service, self._counters, self._response = service, counters, response
        self._reader = Reader(is_events=response.content_type == "text/event-stream")
        self._is_first = True
        self._is_counted = False

    @property
    def is_error(self) -> bool:
        """Whether the status is one of 4xx or 5xx: then nothing was delivered, and the body is whole in ``first``."""
        return self.status >= FIRST_ERROR

    async def begin(self) -> None:
        """Wait for the first bytes; of an error for all of it, without our key should the service repeat it."""
        if not self.is_error:
            self.first = await self._response.content.readany()
            if not self.first:
                raise aiohttp.ClientPayloadError("an answer without a body")
            self._reader.feed(self.first)
            return
        body = bytearray()
        while len(body) < MAX_ERROR and (piece := await self._response.content.readany()):
            body += piece
        self._response.close()
        key = self._service.key.reveal() if self._service.key is not None else ""
        self.first = bytes(body).replace(key.encode(), b"***") if key else bytes(body)
        self.headers = [
            (name, value.replace(key, "***") if key else value)
            for name, value in self.headers
            if name != "content-length"
        ]

    async def next(self) -> bytes:
        """The next bytes, as soon as there are any; empty at the end. Raises ``Broken``."""
        if self._is_first:
            self._is_first = False
            return self.first
        if self.is_error:
            return b""
        try:
            async with asyncio.timeout(self._service.idle_seconds):
                piece = await self._response.content.readany()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self._break(error)
        self._reader.feed(piece)
        return piece

    def _break(self, error: BaseException) -> NoReturn:
        self._counters.broke(failure_of(error))
        self._response.close()
        raise Broken(f"{self.service} did not finish its answer.") from error

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces()

    async def _pieces(self) -> AsyncIterator[bytes]:
        while piece := await self.next():
            yield piece

    async def read(self, limit: int) -> bytes:
        """All of the body; ``Broken`` where it is longer than ``limit``."""
        body = bytearray()
        async for piece in self:
            body += piece
            if len(body) > limit:
                raise Broken(f"{self.service} answered with more than {limit:,} bytes.")
        return bytes(body)

    def measures(self, *, images: int = 0) -> dict[str, int]:
        """What the answer has used as far as it has come, and its price where there is one; counted once."""
        measures = self._reader.measures(self._service.price(self.model), images=images)
        if not self._is_counted:
            self._is_counted = True
            self._counters.used(measures)
        return measures

    def close(self) -> None:
        """Give the connection back, or cut it where the answer is not at its end: then the service stops, too."""
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()
