"""The client whose calls are awaited."""

import asyncio
import ssl
from types import TracebackType
from typing import Literal, Self, TypeVar

import httpx2

from kvota.asks.ask import Ask
from kvota.asks.methods import AsyncMethods
from kvota.client.exchange import Exchange, Server
from kvota.client.patience import Failed, Patience

T = TypeVar("T")


class AsyncClient(AsyncMethods):
    """``Client`` for asyncio: the same methods, awaited; lists are asynchronous iterators. It fails closed as well.

    Close it with ``aclose``, or use ``async with``.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        patience: Patience | None = None,
        language: Literal["en", "ru"] = "en",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._server = Server.at(url, key, language, patience or Patience())
        self._http = httpx2.AsyncClient(
            base_url=self._server.url, headers=self._server.headers, verify=self._server.certificates(tls)
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def execute(self, ask: Ask[T], /) -> T:
        """Send a call until it is answered or patience ends."""
        exchange = Exchange(self._server, ask)
        while True:
            try:
                return await self._try(exchange)
            except Failed as failed:
                pause = exchange.tries.pause_after(failed)
            await asyncio.sleep(pause)

    async def _try(self, exchange: Exchange[T]) -> T:
        try:
            async with asyncio.timeout(exchange.tries.left_seconds) as until:
                reply = await self._http.send(exchange.request(self._http), stream=True)
                try:
                    if exchange.is_file(reply):
                        until.reschedule(None)
                        body = b""
                        async for part in reply.aiter_bytes():
                            exchange.save(part)
                    else:
                        body = await reply.aread()
                finally:
                    await reply.aclose()
        except (httpx2.RequestError, TimeoutError) as error:
            raise exchange.unanswered(error) from error
        return exchange.reply(reply.status_code, reply.headers, body)
